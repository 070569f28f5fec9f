"""Faults of processes: what escapes, hides, is reused or belongs to others."""

from tests.faults.fault import Fault, tests

PROCESS = "real processes"
POOL = "faults/test_pool"
LAUNCHER = "adapters/pools/test_launcher"

FAULTS = (
    Fault(
        "deaf-worker",
        "a worker that ignores SIGTERM, with a child in its own session and a daemon",
        PROCESS,
        "no process and no port is left after a stop",
        tests(LAUNCHER, "test_a_process_that_ignores_term_and_escapes_is_ended_all_the_same"),
    ),
    Fault(
        "suspended-pool",
        "launcher and workers are suspended by SIGSTOP",
        PROCESS,
        "hung, not down; a stop ends them within its grace",
        tests(POOL, "test_a_suspended_pool_is_ended_within_its_grace"),
        tests("core/worker/test_health", "test_a_worker_whose_process_is_stopped_is_told_from_one_that_hangs"),
    ),
    Fault(
        "reused-pid",
        "another process gets the pid of a worker that ended",
        PROCESS,
        "that process lives, also if the pid changes hands while it is read",
        tests(LAUNCHER, "test_nobody_with_a_reused_pid_is_hit")
        + tests("adapters/process/test_table", "test_a_reused_pid_is_another_process")
        + tests(
            "adapters/process/test_process_facts",
            "test_facts_of_a_pid_that_another_process_got_meanwhile_count_for_neither",
            "test_a_pid_that_is_read_again_for_a_signal_is_one_process",
        ),
    ),
    Fault(
        "killed-launch",
        "kill -9 of the monitor while it launches",
        PROCESS,
        "the next launch finds the pool: one launcher, not two",
        tests(POOL, "test_after_a_launch_that_was_killed_the_next_one_doubles_nothing"),
        tests(LAUNCHER, "test_a_cancelled_launch_goes_on_and_is_adopted"),
    ),
    Fault(
        "killed-stop",
        "kill -9 of the monitor while it stops",
        PROCESS,
        "the next stop ends what is left",
        tests(POOL, "test_a_stop_that_was_killed_is_finished_by_the_next_one"),
        tests(LAUNCHER, "test_escaped_survivors_of_a_dead_monitor_are_found_by_their_token"),
    ),
    Fault(
        "double-launch",
        "two launches in one moment, one without XDG_RUNTIME_DIR",
        PROCESS,
        "one pool; the other launch is refused",
        tests(POOL, "test_two_launches_in_one_moment_make_one_pool"),
        tests(
            "adapters/state/test_controller_role",
            "test_two_roles_of_one_pool_exclude_each_other_and_the_owner_is_named",
            "test_another_environment_makes_no_second_controller",
        ),
    ),
    Fault(
        "holder-killed",
        "kill -9 of the monitor that controls the pool",
        PROCESS,
        "the second monitor may take control",
        tests("adapters/state/test_controller_role", "test_it_falls_when_its_owner_is_killed")
        + tests(LAUNCHER, "test_the_second_monitor_only_looks_until_the_first_has_gone"),
    ),
    Fault(
        "bad-launch",
        "a port in use, a program that is missing, a launcher that exits at once",
        PROCESS,
        "refused or failed, with the last words; never tried again without a person",
        tests(
            LAUNCHER,
            "test_what_cannot_be_launched_is_refused_with_the_reason",
            "test_a_launcher_that_exits_at_once_is_reported_with_its_last_words",
            "test_a_squatter_on_a_wanted_port_is_named_and_refuses_the_launch",
        ),
    ),
    Fault(
        "forking-launcher",
        "a launcher that forks and exits",
        PROCESS,
        "its workers count, and a stop ends them",
        tests(LAUNCHER, "test_a_launcher_that_leaves_its_workers_to_themselves_is_no_failure"),
    ),
    Fault(
        "loud-launcher",
        "a launcher that prints binary rubbish without end",
        PROCESS,
        "its log stays below 100 MB",
        tests(POOL, "test_a_launcher_that_prints_without_end_has_a_bounded_log"),
        tests("adapters/process/test_log_rotation", "test_it_rotates_while_a_process_writes_and_ends_with_it"),
    ),
    Fault(
        "lying-stop",
        "a stop command that reports success and does nothing",
        PROCESS,
        "the monitor looks itself and ends the processes",
        tests(LAUNCHER, "test_a_stop_command_that_does_nothing_is_not_believed"),
    ),
    Fault(
        "hostile-words",
        "`; rm -rf`, `$(…)`, spaces and line ends in the launch command and its environment",
        PROCESS,
        "passed on literally; no shell reads them",
        tests(LAUNCHER, "test_arguments_are_passed_literally")
        + tests("adapters/alerts/test_command_hook", "test_no_shell_reads_the_command"),
    ),
    Fault(
        "hidden",
        "/proc with hidepid=2, read by another user",
        "mount namespace",
        "not seen and no crash",
        tests("adapters/process/test_table", "test_hidden_processes_are_not_seen_and_do_no_harm"),
        tests("adapters/process/test_table", "test_the_dead_and_the_hidden_are_not_there"),
    ),
    Fault(
        "no-proc",
        "no /proc at all",
        "mount namespace",
        "workers are polled, memory is unknown, a stop is refused",
        tests("faults/test_limits", "test_without_proc_workers_are_polled_and_a_stop_is_refused"),
        tests("adapters/process/test_environ", "test_a_system_without_environments_says_so")
        + tests("adapters/host/test_memory", "test_nothing_at_all_is_unknown_not_zero"),
    ),
    Fault(
        "zombie",
        "a worker that ended and is not reaped",
        PROCESS,
        "gone at the next reading",
        tests("adapters/process/test_table", "test_a_killed_worker_is_gone_at_the_next_reading_even_as_a_zombie"),
    ),
    Fault(
        "neighbour",
        "a second pool ten ports further, and one on another loopback address",
        PROCESS,
        "a stop of the first leaves both alone",
        tests("adapters/pools/test_discover", "test_a_pool_of_the_same_checkout_ten_ports_further_lives")
        + tests("adapters/process/test_table", "test_a_worker_on_another_address_of_this_machine_is_not_ours"),
    ),
    Fault(
        "other-user",
        "the pool of another user",
        "another user id",
        "watched; a stop is refused and names that user",
        tests(POOL, "test_the_pool_of_another_user_is_watched_and_never_stopped"),
        tests("adapters/process/test_ownership", "test_another_users_process_with_the_token_is_left_alone"),
    ),
    Fault(
        "other-users-monitor",
        "the idle monitor of another user holds the control of the pool",
        "another user id",
        "it gives control up: it can act on nothing here, and must keep no user from a stop",
        tests(POOL, "test_the_idle_monitor_of_another_user_gives_the_control_of_this_pool_up"),
        tests(
            "adapters/state/test_controller_role",
            "test_an_owner_without_a_process_of_the_pool_gives_way_to_another_user",
        ),
    ),
    Fault(
        "foreign-namespace",
        "/proc of another pid namespace, a container that shares the state directory",
        "namespaces and files",
        "no number of it is signalled",
        tests(LAUNCHER, "test_no_number_of_a_foreign_proc_is_signalled")
        + tests(
            "adapters/process/test_ownership", "test_a_pool_launched_in_a_container_with_our_state_directory_lives"
        ),
    ),
    Fault(
        "hostile-environment",
        "a process with a port of 5000 digits or rubbish in its environment, names with brackets, loops of parents",
        "process files",
        "it is left out; every other process is read",
        tests(
            "adapters/process/test_table",
            "test_a_daemon_that_left_the_tree_is_charged_by_the_port_in_its_environment",
            "test_a_name_with_brackets_and_a_loop_of_parents_do_no_harm",
        )
        + tests("adapters/process/test_environ", "test_bytes_that_are_no_text_do_no_harm"),
    ),
    Fault(
        "session-keeper",
        "a tmux server, a shell, a browser or a sound server that bears the pool's token",
        PROCESS,
        "it lives, with all that a person opened in it",
        tests("adapters/pools/test_discover", "test_a_browser_that_the_launcher_opened_lives")
        + tests(
            "adapters/process/test_ownership",
            "test_a_session_keeper_with_the_token_lives_with_all_that_is_in_it",
            "test_what_a_person_opened_in_a_terminal_lives_although_it_bears_the_token",
        ),
    ),
    Fault(
        "exported-token",
        "a worker exports its environment to systemd and D-Bus, which start services with the pool's token",
        PROCESS,
        "the services live",
        tests("adapters/pools/test_discover", "test_a_service_that_bears_the_token_lives")
        + tests(
            "adapters/process/test_ownership",
            "test_a_service_to_which_a_worker_exported_the_token_lives_with_what_it_started",
        ),
    ),
    Fault(
        "larger-launch",
        "a larger pool has ended, and another pool uses the ports that it left",
        PROCESS,
        "that pool lives and is named",
        tests("adapters/pools/test_discover", "test_the_ports_of_a_larger_launch_that_has_ended_are_another_pools"),
    ),
    Fault(
        "first-thread",
        "the first thread of a process ends, so that /proc calls it a zombie",
        PROCESS,
        "it lives until its last thread ends, and can be signalled",
        tests(
            "adapters/process/test_handles",
            "test_a_process_whose_first_thread_has_ended_lives_until_its_last_one_ends",
        ),
    ),
    Fault(
        "adopted-pid",
        "a person adopts a process that has ended, and another process has its pid",
        "a scripted dialog",
        "that process is not adopted",
        tests("ui/dialogs/test_pool_actions", "test_an_adopted_pid_that_another_process_has_by_now_is_not_adopted"),
    ),
    Fault(
        "restarted-launcher",
        "a shell or a service starts the launcher again after every end",
        PROCESS,
        "the stop fails and names what starts it; that process lives",
        tests("adapters/pools/test_terminate", "test_a_shell_that_starts_the_launcher_again_lives_and_is_named"),
    ),
    Fault(
        "outgrown-plan",
        "another person changes the pool while a dialog is open",
        "a pool that changes",
        "the typed word counts no more; the plan is said anew",
        tests(LAUNCHER, "test_a_plan_that_the_pool_has_outgrown_is_refused")
        + tests("ui/dialogs/test_pool_actions", "test_when_the_pool_changes_one_must_read_again"),
    ),
    Fault(
        "dead-workers",
        "four of five workers, or all of them, die for good",
        "made-up runs",
        "no go, whatever number a command line names",
        tests(
            "core/verdict/test_missing",
            "test_four_of_five_dead_workers_are_no_success",
            "test_a_worker_seen_once_stays_wanted_though_no_command_line_names_a_number",
        ),
    ),
    Fault(
        "hook",
        "an alert hook that hangs, forks, prints without end, does not read, or does not exist",
        PROCESS,
        "ended at its deadline with all that it started; polling goes on",
        tests(
            "adapters/alerts/test_command_hook",
            "test_at_its_deadline_all_that_it_started_ends",
            "test_one_that_does_not_read_or_prints_without_end_holds_nobody",
            "test_a_script_that_may_not_be_run_is_named",
            "test_the_end_waits_for_it_and_not_for_ever",
        ),
    ),
    Fault(
        "env-file",
        "an env file that hangs, reads input, ends its shell, floods stderr or leaves a daemon",
        "real bash",
        "an error with its reason; nothing that it started is left",
        tests(
            "adapters/env_file/test_source",
            "test_a_file_that_hangs_is_ended_with_all_that_it_started",
            "test_a_file_that_fails_says_so",
            "test_a_file_that_reads_gets_nothing",
            "test_a_detached_job_does_not_stay_however_the_file_ends",
        ),
    ),
    Fault(
        "loud-env-file",
        "an env file that prints 100 MB",
        "real bash",
        "its values are read; nothing is written to the disk",
        tests("faults/test_readers", "test_an_env_file_that_prints_a_hundred_megabytes_holds_nothing_up"),
    ),
)
