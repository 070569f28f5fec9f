"""Faults of what is stored: disks, recordings, clocks, and recorders that are killed."""

from tests.faults.fault import Fault, tests

STORE = "real files"
RECORDER = "faults/test_recorder"

FAULTS = (
    Fault(
        "killed-recorder",
        "kill -9 of the recorder at 50 random moments",
        "real processes",
        "at most the tick in flight is lost; one run, one gap for each, integrity ok",
        tests("e2e/test_recorder", "test_killed_at_any_moment_it_loses_the_tick_in_flight_and_nothing_else")
        + tests(RECORDER, "test_a_recorder_killed_at_fifty_moments_leaves_one_whole_recording"),
        tests("adapters/store/test_journal", "test_one_writes_the_other_reads_along_and_takes_over"),
    ),
    Fault(
        "two-recorders",
        "two recorders, of which the writer is killed with -9 four times",
        "real processes",
        "the other takes over within 30 s; one recording, no sample twice",
        tests(RECORDER, "test_two_recorders_of_which_the_writer_is_killed_again_and_again_make_one_recording"),
        tests(
            "adapters/store/test_journal", "test_recorders_that_start_together_and_lose_the_writer_make_one_recording"
        ),
    ),
    Fault(
        "suspended-recorder",
        "SIGSTOP of the recorder, while a worker is replaced",
        "real processes",
        "`status` says STALE; one gap, and the new worker is seen",
        tests(RECORDER, "test_a_recorder_that_stood_still_has_one_gap_and_sees_the_new_worker"),
        tests("engine/test_engine", "TestTheLoop::test_a_stall_is_one_late_tick_and_no_pile_of_them"),
    ),
    Fault(
        "wall-clock",
        "the wall clock jumps an hour forward, then two back",
        "libfaketime",
        "no time of the run changes; no alarm, no gap",
        tests(RECORDER, "test_a_wall_clock_that_jumps_an_hour_changes_no_time_of_the_run"),
        tests("engine/test_clock", "test_a_step_of_the_wall_clock_does_not_move_it")
        + tests("adapters/store/test_journal", "test_a_wall_clock_that_is_set_between_two_openings_keeps_the_run"),
    ),
    Fault(
        "full-disk",
        "the state directory is a full tmpfs",
        "tmpfs in a mount namespace",
        "polling goes on; recording resumes when there is room",
        tests(RECORDER, "test_a_full_tmpfs_stops_no_poll_and_recording_resumes_with_room"),
        tests("adapters/store/test_errors", "test_a_disk_that_fills_up_and_has_room_again"),
    ),
    Fault(
        "full-disk-limit",
        "files may not grow any further",
        "RLIMIT_FSIZE of a real recorder",
        "said once; recording resumes with room",
        tests("e2e/test_recorder", "test_out_of_room_it_goes_on_looking_and_goes_on_recording_when_there_is_room"),
        tests("adapters/store/test_journal", "test_a_full_disk_is_reported_once_and_tried_again"),
    ),
    Fault(
        "full-disk-stop",
        "the disk is full when the pool must be stopped",
        "a write that fails",
        "the stop is carried out",
        tests("adapters/pools/test_start", "test_a_full_disk_does_not_prevent_a_stop"),
    ),
    Fault(
        "no-state",
        "the state directory is on a read-only mount, is a file, or leads nowhere",
        "mount namespace, real files",
        "the workers are watched; that nothing is recorded is said",
        tests(RECORDER, "test_a_state_directory_that_takes_nothing_leaves_the_watching_whole"),
        tests("adapters/store/test_errors", "test_a_read_only_place_is_reported_and_taken_when_it_opens")
        + tests("adapters/store/test_journal", "test_a_place_that_is_no_folder"),
    ),
    Fault(
        "foreign-state",
        "state that others may write, of another user, or behind a link",
        STORE,
        "refused with its mode and the remedy; a link is not followed",
        tests(
            "adapters/files/test_private",
            "test_a_file_that_others_may_write_is_refused_with_its_mode_and_the_remedy",
            "test_a_folder_that_others_may_write_is_refused_for_writing",
            "test_files_and_folders_of_another_user_are_refused_with_their_owner",
            "test_links_pipes_and_devices_are_refused_without_a_wait",
        )
        + tests("adapters/pools/test_start", "test_a_forged_record_names_no_victim"),
    ),
    Fault(
        "umask",
        "a umask of 000",
        STORE,
        "files 0600, folders 0700",
        tests("adapters/files/test_private", "test_files_and_folders_are_private_under_any_umask")
        + tests("adapters/store/test_schema", "test_every_file_is_private_under_any_umask"),
    ),
    Fault(
        "damaged-recording",
        "a recording with changed bytes, cut, empty, or with a damaged chunk",
        STORE,
        "read, or named in one line; the monitor goes on and records",
        tests(
            "adapters/store/test_errors",
            "test_a_damaged_recording_is_read_or_named_never_a_surprise",
            "test_a_monitor_over_a_damaged_recording_goes_on_and_records",
            "test_the_verbs_say_in_one_line_what_is_damaged",
            "test_one_damaged_chunk_costs_its_samples_only",
        ),
    ),
    Fault(
        "hostile-recording",
        "a hostile schema, a chunk that grows without end, a header of a million workers",
        STORE,
        "refused by name",
        tests(
            "adapters/store/test_schema",
            "test_a_hostile_schema_is_refused_by_name",
            "test_a_chunk_that_grows_without_end_is_named_and_left_out",
            "test_a_header_that_wants_too_many_workers_is_named",
        ),
    ),
    Fault(
        "pickle",
        "a checkpoint that is a pickle",
        STORE,
        "nothing of it runs",
        tests("adapters/store/test_checkpoint", "test_a_pickle_runs_nothing"),
    ),
    Fault(
        "future-recording",
        "a recording of a later version, and one of each earlier version",
        STORE,
        "the later one is left alone; the earlier ones are read and continued",
        tests(
            "adapters/store/test_journal",
            "test_a_file_of_the_future_is_left_alone",
            "test_the_golden_file_of_an_earlier_schema_opens_for_ever_and_goes_on",
        ),
    ),
    Fault(
        "five-hundred-runs",
        "500 recorded runs",
        STORE,
        "the list comes within 30 s, the status line within 10 s",
        tests("faults/test_limits", "test_of_five_hundred_runs_the_list_and_the_line_come_in_seconds"),
    ),
    Fault(
        "status-file",
        "a status file that is torn, foreign, of another schema or a link",
        STORE,
        "one clear line, code 3; a good file of another pool still counts",
        tests(
            "cli/verbs/test_status",
            "test_a_file_that_is_broken_is_one_clear_line",
            "test_a_broken_file_hides_no_good_one",
        )
        + tests("adapters/state/test_status_file", "test_no_link_is_followed"),
    ),
    Fault(
        "logs",
        "logs of gigabytes, truncated, rotated, replaced, as a pipe, or one line without end",
        "real files, sparse where they are large",
        "read from their end in bounded steps; a pipe is never opened",
        tests(
            "adapters/process/test_log_tail",
            "test_the_complaints_of_the_start_outlive_megabytes_and_the_newest_lines_are_seen",
            "test_a_truncated_log_is_read_from_its_start_again",
            "test_a_rotated_log_is_another_one",
            "test_a_line_that_never_ends_is_not_waited_for",
            "test_binary_rubbish_does_no_harm",
            "test_a_pipe_is_never_opened",
        )
        + tests("adapters/files/test_blocks", "test_a_time_in_a_sparse_gigabyte_takes_few_reads"),
    ),
)
