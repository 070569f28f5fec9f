"""Faults of a pool on several hosts: lost nodes, bad lines, other clocks, and monitors that end or compete."""

from tests.faults.fault import Fault, tests

AGENTS = "real agents and processes"
LINK = "adapters/agent/test_link"
ON_HOSTS = "cli/verbs/test_pool_on_hosts"

FAULTS = (
    Fault(
        "node-pulled",
        "the cable of a node is pulled out in mid-run, and put back",
        "network namespaces with sshd",
        "LOST, its workers unknown and not dead; the other node is seen; back with the same processes",
        tests("cli/verbs/test_two_nodes", "test_launch_lose_a_node_get_it_back_resize_and_stop"),
        tests("engine/test_host_watch", "test_a_connection_that_ended_is_stale_at_once_and_lost_later"),
    ),
    Fault(
        "ssh-fails",
        "ssh is refused, hangs, asks for a password, or its key is unknown",
        "real sshd, and scripts that stand for ssh",
        "the reason in the words of ssh; never a question; tried again with growing pauses",
        tests("cli/verbs/test_agent", "test_over_a_real_sshd"),
        tests(
            LINK,
            "TestAFailure::test_of_the_connection_has_the_words_of_ssh",
            "TestAFailure::test_of_a_host_that_hangs_ends_within_the_limit",
            "test_a_lost_host_is_tried_again_with_growing_pauses",
        ),
    ),
    Fault(
        "slow-line",
        "every byte to and from a host takes 100 ms, or 1 s",
        AGENTS,
        "the delay is measured and named, and a plan comes",
        tests("cli/verbs/test_agent", "TestActing::test_a_slow_line_is_measured_and_the_plan_comes"),
    ),
    Fault(
        "clock-minutes-off",
        "the clock of a host is ten minutes behind",
        "faketime",
        "the difference is named; a process is the same one in both directions",
        tests("cli/verbs/test_agent", "TestActing::test_a_clock_that_is_minutes_off_changes_no_process"),
        tests(LINK, "TestAnAnswer::test_has_its_times_on_this_clock"),
    ),
    Fault(
        "controller-killed",
        "the monitor is killed in the middle of a resize on a host",
        "SIGKILL",
        "the agent finishes; the next monitor finds the record and the number of workers",
        tests(ON_HOSTS, "test_launch_on_both_resize_one_a_controller_that_is_killed_and_stop_all_beside_a_recorder"),
    ),
    Fault(
        "two-controllers",
        "two monitors act on one cluster, or one on a host that another one controls",
        AGENTS,
        "one acts, the other is refused and names it",
        tests(ON_HOSTS, "test_another_controller_is_named_whether_it_has_one_host_or_all")
        + tests("adapters/agent/test_hosts_pool", "test_of_two_monitors_one_controls_all_hosts"),
    ),
    Fault(
        "host-missing",
        "a host cannot be reached when an action is asked for",
        AGENTS,
        "nothing is done anywhere; it is named, and the others go on only when they are chosen",
        tests(ON_HOSTS, "test_a_host_that_cannot_be_reached_stops_all_and_the_others_are_named"),
    ),
    Fault(
        "agent-version",
        "the agent has another version, or other lines",
        "lines of another agent",
        "one minor version apart works and is named; more is LOST with both versions",
        tests("adapters/agent/test_protocol", "test_one_minor_version_apart_works_and_is_named")
        + tests("adapters/agent/test_protocol", "test_another_schema_never_works"),
    ),
)
