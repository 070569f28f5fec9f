"""Faults of what a person brings: configurations, themes, recordings from elsewhere; and a machine with too little."""

from tests.faults.fault import Fault, tests

FILE = "real files"
READERS = "faults/test_readers"

FAULTS = (
    Fault(
        "config",
        "a configuration with wrong keys, values, types, or nesting without end",
        "texts",
        "code 78, and every mistake with its line",
        tests("cli/verbs/test_config", "test_a_bad_configuration_is_78_for_every_verb")
        + tests(
            "core/config/test_load",
            "test_a_refusal_says_where_what_and_the_nearest_key",
            "test_a_deep_table_is_refused",
        ),
    ),
    Fault(
        "no-file",
        "a configuration or a theme that is a folder, a pipe, a device or huge",
        FILE,
        "an error at once; never a wait",
        tests("adapters/files/test_small", "test_anything_else_is_an_error_at_once")
        + tests("ui/style/test_theme_files", "test_what_is_no_small_file_is_a_warning_at_once"),
    ),
    Fault(
        "theme",
        "a theme with a syntax error, unknown tokens, or bytes that are no text",
        FILE,
        "a warning with file, line and key; the monitor opens",
        tests(
            "ui/style/test_theme_files",
            "test_a_broken_theme_is_a_warning_that_names_file_line_and_key",
            "test_bytes_that_are_no_text_are_a_warning",
        ),
    ),
    Fault(
        "fuzz",
        "broken answers, documents, tables, recordings, configurations, themes, filters, places, env output, kernel "
        "log lines, cgroup files",
        "broken seeds; more by `make fuzz`",
        "read or named, never an exception",
        tests("fuzz/test_targets", "test_no_damage_raises", "test_every_seed_and_every_input_that_failed_once"),
    ),
    Fault(
        "csv",
        "a table with infinities, negative times, cells of 200 kB, NUL, formulas",
        FILE,
        "read or named; what is exported is no formula",
        tests(READERS, "test_a_table_of_infinities_huge_cells_and_negative_times_is_read_or_named")
        + tests("adapters/recordings/test_csv_export", "test_a_text_is_no_formula"),
    ),
    Fault(
        "gzip-line",
        "a gzipped recording with one line of 100 MB, and a torn archive",
        FILE,
        "that line is left out and named; the rest is read",
        tests(READERS, "test_a_gzipped_line_of_a_hundred_megabytes_is_left_out_and_named")
        + tests(
            "adapters/recordings/test_jsonl_reader",
            "test_gzip_is_known_by_its_bytes_and_a_torn_archive_keeps_what_was_there",
        ),
    ),
    Fault(
        "path-name",
        "an imported run whose name is a path, control characters, or 5000 characters",
        FILE,
        "its file is in the store, and no other file is made",
        tests(READERS, "test_a_recording_with_a_path_as_its_name_stays_in_the_store"),
    ),
    Fault(
        "damaged-import",
        "recordings with lines out of order, twice, torn, or by one worker after the other",
        FILE,
        "no damage gives a better verdict",
        tests(
            "adapters/recordings/test_arrange",
            "test_no_damage_gives_a_better_word",
            "test_no_damage_of_a_table_gives_a_better_word",
        ),
    ),
    Fault(
        "hostile-report",
        "hostile names and texts in every form of a report",
        "recordings",
        "text in HTML, SVG, Markdown and CSV; none acts",
        tests(
            "cli/report/test_forms",
            "test_what_is_hostile_stays_text",
            "test_no_text_breaks_out_of_the_page_or_a_picture",
            "test_no_text_breaks_out_of_markdown",
        ),
    ),
    Fault(
        "replay",
        "a replay of nothing, of what cannot be read, of a file that is written meanwhile",
        FILE,
        "one line, or the recording so far",
        tests(
            "cli/verbs/test_replay", "test_what_holds_nothing_is_refused", "test_lines_that_cannot_be_read_are_counted"
        )
        + tests("adapters/store/test_follower", "test_what_is_written_while_it_is_read_is_read_too"),
    ),
    Fault(
        "descriptors",
        "32 open files for 40 workers",
        "RLIMIT_NOFILE of the real program",
        "every worker is up; the shortage is said once, as the monitor's own",
        tests(
            "cli/verbs/test_check",
            "test_40_workers_below_a_limit_of_32_open_files_are_all_up_and_the_shortage_is_named_once",
        ),
    ),
    Fault(
        "address-space",
        "250 MB and 120 MB of address space",
        "RLIMIT_AS of the real program",
        "it works",
        tests("faults/test_limits", "test_with_little_address_space_it_works"),
        tests("engine/test_poller", "test_without_a_thread_the_reading_fails_and_is_asked_for_again"),
    ),
    Fault(
        "no-home",
        "HOME and XDG_* not set, or HOME is a file",
        "environment of the real program",
        "every verb answers or says why not",
        tests("faults/test_limits", "test_without_a_home_every_verb_answers_or_says_why"),
        tests("adapters/files/test_private", "test_an_own_link_to_an_own_folder_counts_by_the_folder"),
    ),
    Fault(
        "hostile-messages",
        "hostile and silent clients on the monitor's own socket",
        "real socket",
        "the owner of the pool stays the owner and answers",
        tests(
            "adapters/state/test_controller_role",
            "test_hostile_messages_do_no_harm",
            "test_many_silent_clients_do_not_silence_the_owner",
        ),
    ),
    Fault(
        "bad-day",
        "thousands of deaths, events and new names in one run",
        "made-up runs",
        "a Snapshot keeps its size",
        tests(
            "core/step/test_bounds",
            "test_a_bad_day_keeps_its_size",
            "test_events_alone_stay_bounded_too",
            "test_a_worker_that_dies_a_thousand_times_keeps_the_last_of_it",
        ),
    ),
    Fault(
        "many-workers",
        "72 workers on one screen, 100 in one check",
        "real sockets",
        "every worker is counted, drawn and reached",
        tests("e2e/test_many_workers", "test_every_one_of_72_workers_is_counted_drawn_and_reached")
        + tests("cli/verbs/test_check", "test_a_hundred_workers_are_all_up"),
    ),
)
