"""Faults of the terminal, and of what is drawn on it."""

from tests.faults.fault import Fault, tests

PTY = "real pty"
DRIVER = "ui/terminal/test_driver"
OPEN = "faults/test_terminal"

FAULTS = (
    Fault(
        "escapes",
        "title, clipboard, clear, C1, bell, bidi in every text, key and name of a worker",
        "real workers, real pty",
        "none of them is in the bytes that the monitor writes",
        tests(OPEN, "test_no_text_of_a_worker_acts_on_the_terminal"),
        tests("ui/test_app", "test_a_hostile_snapshot_is_drawn_whole")
        + tests("core/status/test_decode", "TestCleanText::test_nothing_unsafe_is_left_and_nothing_is_too_long"),
    ),
    Fault(
        "markup",
        "`[/oops]`, `[@click=app.quit]`, `[link=…]` in texts",
        "the real app",
        "literal text; no crash, no action",
        tests("ui/test_app", "test_markup_is_text"),
    ),
    Fault(
        "signals",
        "SIGTERM, SIGHUP and SIGINT, and a terminal that is closed",
        PTY,
        "the terminal is restored, the code is that of the signal, the workers live",
        tests(
            DRIVER,
            "test_a_signal_leaves_cleanly_with_its_code",
            "test_a_terminal_that_is_gone_does_not_hold_the_program",
        ),
    ),
    Fault(
        "stalled",
        "a terminal that takes nothing, and SIGTERM then",
        PTY,
        "polling goes on, and the monitor ends within 4 s",
        tests(DRIVER, "test_a_stalled_terminal_neither_stops_the_engine_nor_holds_the_program"),
    ),
    Fault(
        "unread",
        "a terminal that is not read, while a worker is killed",
        "real pty, real recording",
        "the recording has no gap and has the death",
        tests(OPEN, "test_a_terminal_that_is_not_read_leaves_the_recording_whole"),
        tests("engine/test_engine", "TestSubscribers::test_a_screen_that_never_reads_does_not_slow_it"),
    ),
    Fault(
        "resizes",
        "200 sizes, from 1x1 to 300x90",
        PTY,
        "alive, and the next picture is whole",
        tests(OPEN, "test_two_hundred_sizes_leave_a_whole_picture"),
        tests("ui/test_app", "test_a_terminal_that_reports_nonsense_as_its_size_is_drawn_in_part"),
    ),
    Fault(
        "held-key",
        "the stop key held down, pasted words, Enter faster than a person",
        "the real app",
        "no action without a word that a person typed",
        tests(
            "ui/dialogs/test_pool_actions",
            "test_a_held_down_key_confirms_nothing",
            "test_keys_that_come_faster_than_a_person_confirm_nothing",
            "test_a_bracketed_paste_is_not_typing",
        )
        + tests("ui/test_app", "test_pasted_text_goes_into_a_field_and_never_confirms"),
    ),
    Fault(
        "hostile-input",
        "torn escape sequences, mouse reports and pastes that never end",
        PTY,
        "keys work afterwards",
        tests(DRIVER, "test_hostile_input_does_not_end_it_and_keys_work_afterwards")
        + tests(
            "ui/terminal/test_keyboard",
            "test_it_may_be_torn_at_any_place",
            "test_a_paste_without_its_end_takes_keys_for_two_seconds_only",
        ),
    ),
    Fault(
        "killed-screen",
        "kill -9 of an open monitor",
        "real tmux",
        "the next start repairs the terminal",
        tests(
            "e2e/test_terminals",
            "test_after_a_kill_the_next_start_repairs_the_terminal_and_the_prompt_is_below_the_picture",
        ),
        tests("ui/terminal/test_modes", "test_raw_modes_become_those_in_which_a_shell_works"),
    ),
    Fault(
        "locale",
        "a locale that is not UTF-8, a time zone that is none, sizes of -5",
        "environment of the real program",
        "every verb answers; signs are ASCII where they must be",
        tests("faults/test_limits", "test_an_odd_environment_ends_no_verb"),
        tests("cli/test_entry", "test_no_encoding_ends_a_verb")
        + tests(DRIVER, "test_in_a_locale_that_is_not_utf8_it_comes_up_in_ascii_and_hears_keys"),
    ),
    Fault(
        "screen-bug",
        "a bug in a screen, and a bug in the engine",
        "a screen that raises",
        "one sentence, and the terminal is restored; never a picture that looks quiet",
        tests(
            "ui/test_app",
            "test_a_bug_of_a_screen_ends_with_one_sentence",
            "test_a_bug_of_the_engine_never_looks_like_a_quiet_pool",
        ),
    ),
    Fault(
        "log-unwritable",
        "the state directory becomes a file while the monitor is open",
        "real pty",
        "no traceback on the screen; the monitor goes on",
        tests(OPEN, "test_a_state_directory_that_becomes_unwritable_writes_nothing_over_the_screen"),
        tests("cli/test_log", "test_a_full_disk_is_silent_and_counted"),
    ),
    Fault(
        "changed-config",
        "configuration and theme emptied, broken, changed or removed while the monitor runs",
        "real pty",
        "what was read at the start stays in force; the keys act on the same pool",
        tests(OPEN, "test_a_configuration_and_a_theme_that_break_change_nothing_that_runs"),
    ),
    Fault(
        "pool-in-the-job",
        "Ctrl+Z where a script started the pool and the monitor as one job of the shell",
        "real pty",
        "refused with the reason: the pool is not suspended",
        tests(OPEN, "test_ctrl_z_does_not_stop_a_pool_of_the_same_job"),
    ),
)
