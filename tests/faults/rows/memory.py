"""Faults of memory: leaks, OOM kills, limits, and kernels that say less."""

from tests.faults.fault import Fault, tests

KERNEL = "real memory cgroup"
FILES = "files of a made-up machine"

FAULTS = (
    Fault(
        "leak",
        "five workers leak until the kernel kills",
        KERNEL,
        "the end is predicted 15 minutes before; after the kill STOP stays, although memory is free again",
        tests("e2e/test_reenactment", "test_left_alone_the_end_is_predicted_seen_and_remembered"),
        tests(
            "core/memory/test_oom_kills",
            "test_the_end_is_predicted_twenty_minutes_before_and_once",
            "test_the_kill_is_attributed_and_the_verdict_stays_while_the_gauge_is_green_again",
        ),
    ),
    Fault(
        "leak-watched",
        "the same, with the memory watch armed",
        KERNEL,
        "the watch acts before the kernel does, and the run goes on",
        tests("e2e/test_reenactment", "test_armed_the_memory_watch_saves_the_run"),
        tests("engine/test_memory_watch", "test_armed_it_acts_once_and_says_so"),
    ),
    Fault(
        "oom-ollama",
        "the kernel kills Ollama, and every worker lives on",
        KERNEL,
        "STOP, and Ollama is named as the victim",
        tests("faults/test_memory", "test_ollama_is_killed_and_every_worker_lives"),
        tests(
            "core/memory/test_tracker",
            "test_the_victim_is_named_whether_the_table_or_the_counter_was_read_first",
            "test_a_kill_is_latched_though_the_gauge_is_green_again",
        ),
    ),
    Fault(
        "oom-shell",
        "the kernel kills a worker that runs below a shell",
        KERNEL,
        "an OOM kill, not an exit code",
        tests("faults/test_memory", "test_a_worker_below_a_shell_is_killed_for_memory_and_not_by_an_exit_code"),
        tests("core/worker/test_process_exits", "test_the_strongest_evidence_says_how_it_ended"),
    ),
    Fault(
        "oom-elsewhere",
        "the kernel kills a process of another group",
        KERNEL,
        "no kill of a worker is claimed",
        tests("adapters/host/test_kernel_memory", "test_a_kill_in_another_group_is_not_ours"),
        tests("adapters/host/test_oom_counter", "test_a_kill_elsewhere_is_not_ours"),
    ),
    Fault(
        "oom-own",
        "the kernel kills the only worker of a group",
        KERNEL,
        "the kill is counted, although the group has no process left",
        tests(
            "adapters/host/test_kernel_memory",
            "test_a_real_oom_kill_is_counted_for_the_group",
            "test_the_kill_of_the_last_worker_is_still_counted",
        ),
        tests("adapters/host/test_oom_counter", "test_the_kill_that_removed_the_last_worker_is_counted"),
    ),
    Fault(
        "kill-9",
        "kill -9 of a worker",
        "signal to a real process",
        "down within three seconds, killed by a signal, no OOM",
        tests("e2e/test_main_job", "test_a_killed_worker_is_seen_within_three_seconds")
        + tests("demo/test_process_exits", "test_a_signal_from_outside_is_reported_from_the_launchers_log"),
    ),
    Fault(
        "oom-log",
        "the kernel's log names a victim that no counter saw",
        "/dev/kmsg after a real kill",
        "the victim is named; a log that is not readable is unknown and not empty",
        tests("adapters/host/test_kernel_memory", "test_the_kernels_log_names_the_victim"),
        tests(
            "adapters/host/test_kernel_log",
            "test_the_kernels_words_are_understood",
            "test_an_unreadable_log_is_unknown_and_not_empty",
        ),
    ),
    Fault(
        "limit-above",
        "only the grandparent group has a limit",
        KERNEL,
        "that limit decides what is left for workers",
        tests("adapters/host/test_kernel_memory", "test_a_limit_of_the_grandparent_counts"),
        tests("adapters/host/test_memory", "test_a_limit_on_any_ancestor_counts"),
    ),
    Fault(
        "cgroup-files",
        'limits of "max", missing files, rubbish in memory.stat, no MemAvailable',
        FILES,
        "a value or unknown, never 0",
        tests(
            "adapters/host/test_memory",
            "test_nothing_at_all_is_unknown_not_zero",
            "test_without_a_readable_meminfo_available_is_unknown",
            "test_available_is_unknown_or_within_the_host_and_every_limit",
        )
        + tests("adapters/host/test_cgroup", "test_a_limit_without_a_readable_stat_leaves_an_unknown_amount"),
    ),
    Fault(
        "page-cache",
        "page cache fills the group up to its limit",
        KERNEL,
        "the cache counts as available: no alarm",
        tests("adapters/host/test_kernel_memory", "test_held_memory_counts_and_page_cache_does_not"),
        tests("adapters/host/test_cgroup", "test_what_a_v1_group_leaves", "test_what_a_v2_group_leaves"),
    ),
    Fault(
        "series-safe",
        "flat, noisy, sawtooth and stepped use of memory",
        "made-up series, ten seeds",
        "no warning; at most one where a buffer saturates",
        tests("core/memory/test_forecast", "test_what_does_not_end_is_never_warned_of"),
    ),
    Fault(
        "series-leak",
        "linear, stepped, exponential and late leaks",
        "made-up series, and the recorded crash",
        "a warning with the lead that the table of the forecast has",
        tests(
            "core/memory/test_forecast",
            "test_what_ends_is_reported_in_time",
            "test_the_real_series_is_reported_20_minutes_before_and_never_in_start_up",
        ),
    ),
    Fault(
        "series-hole",
        "a clock that runs back, a gap of ten minutes, readings that are missing",
        "made-up series",
        "the forecast learns anew; no alarm, no crash",
        tests(
            "core/memory/test_forecast",
            "test_a_hole_keeps_a_warning_and_forgets_the_line",
            "test_it_never_raises_and_its_memory_is_bounded",
            "test_it_learns_for_five_minutes_and_then_says_when_with_a_band",
        ),
    ),
    Fault(
        "grandchild",
        "a grandchild in its own session holds the memory",
        "real processes",
        "the memory is charged to its worker",
        tests("adapters/process/test_table", "test_memory_held_by_a_grandchild_is_charged_to_its_worker"),
    ),
    Fault(
        "too-many-workers",
        "a launch of more workers than memory has room for",
        "real preflight",
        "refused with the arithmetic; no process is started",
        tests("cli/verbs/test_preflight", "test_a_launch_that_does_not_fit_is_refused_with_the_arithmetic"),
    ),
)
