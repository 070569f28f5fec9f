"""Faults of the network: answers that are late, endless, wrong or hostile."""

from tests.faults.fault import Fault, tests

SOCKET = "real socket"
BAD = tests("adapters/http/test_client", "test_a_bad_answer_has_its_name_and_a_good_neighbour_its_numbers")
DECODE = "core/status/test_decode"


def decode(*names: str) -> tuple[str, ...]:
    return tests(DECODE, *(f"TestDecodeJson::{name}" for name in names))


FAULTS = (
    Fault(
        "slow-answer",
        "an answer byte by byte, headers that never end, a flood of 103",
        SOCKET,
        "a timeout after the configured time; other workers are polled on time",
        BAD + tests("engine/test_collector", "TestWhoIsSlow::test_a_hung_worker_does_not_hold_up_its_neighbour"),
    ),
    Fault(
        "endless-body",
        "a body without end, or one that claims 10^18 bytes",
        SOCKET,
        "too large; memory grows by less than 10 MB",
        tests(
            "adapters/http/test_client",
            "test_an_endless_body_costs_no_memory",
            "test_a_body_at_the_cap_is_read_and_one_byte_more_is_not",
        ),
    ),
    Fault("gzip-answer", "an answer that is a gzip bomb", SOCKET, "refused unread, by its encoding", BAD),
    Fault("redirect", "redirects to another path, to 169.254.169.254, to nowhere", SOCKET, "never followed", BAD),
    Fault(
        "proxy",
        "HTTP_PROXY and ALL_PROXY in the environment",
        SOCKET,
        "the workers are asked directly",
        tests("adapters/http/test_client", "test_a_proxy_in_the_environment_is_not_asked"),
    ),
    Fault(
        "bad-number",
        "NaN, Infinity, 1e999, 5000 digits, a text or a list for a number",
        SOCKET,
        "that field is marked; every other field of the document counts",
        tests("adapters/http/test_client", "test_one_bad_field_never_costs_the_others")
        + decode("test_one_bad_number_never_costs_the_others"),
    ),
    Fault(
        "bad-document",
        "nesting of 100 000, a byte order mark, bytes that are no UTF-8, a list, HTML, nothing, 204, 500, HTTP/0.9",
        SOCKET,
        "each has its own name",
        BAD
        + decode("test_what_is_no_status_has_a_name")
        + tests("adapters/http/test_client", "test_odd_text_comes_through_cleaned"),
    ),
    Fault(
        "json",
        "JSON that decoders disagree about",
        "documents of three kinds",
        "taken or refused as RFC 8259 says; where it leaves the choice, marked",
        tests(
            "fuzz/test_json_conformance",
            "test_what_is_json_is_taken",
            "test_what_is_no_json_is_refused_by_name",
            "test_where_the_standard_leaves_the_choice",
        ),
    ),
    Fault(
        "repeated-key",
        "a key that is twice in one document",
        "documents",
        "a bad value, not the last of the two",
        tests(DECODE, "test_a_repeated_key_is_a_bad_value", "test_a_repeated_secret_stays_a_secret"),
    ),
    Fault(
        "frozen",
        "HTTP 200 with counters that stand",
        "real pool",
        "a zombie, not alive, and no go",
        tests("e2e/test_conduct", "test_the_word_is_reported_of_the_last_worker_only"),
        tests("core/worker/test_health", "test_the_word_after_a_quarter_of_an_hour_is_on_the_right_worker_only"),
    ),
    Fault(
        "zero-and-absent",
        "five metrics at 0 when the gate ends; the same five without a key",
        "real pool",
        "STOP; absent is shown as absent and never as 0",
        tests("e2e/test_main_job", "test_the_failed_run_is_saved_by_doing_what_the_next_row_says")
        + tests("core/step/test_properties", "test_zero_in_the_place_of_nothing_is_zero_and_never_shows"),
    ),
    Fault(
        "counters-fall",
        "counters that fall, because the worker was restarted",
        "recorded and made-up runs",
        "one restart; no rate is negative",
        tests(
            "core/worker/test_tracker",
            "test_all_counters_that_fall_at_once_are_one_reset",
            "test_rates_are_never_negative",
        ),
    ),
    Fault(
        "squatter",
        "a stranger answers on a worker's port",
        "real socket and process",
        "named as a stranger: not up, no numbers, never signalled",
        tests(
            "core/worker/test_strangers",
            "test_what_does_not_speak_like_a_worker_is_a_stranger",
            "test_a_stranger_is_no_generation_and_has_no_numbers",
        )
        + tests(
            "cli/verbs/test_pool",
            "test_resize_stop_and_launch_do_what_they_say_and_a_stop_names_the_stranger_that_still_answers",
        ),
    ),
    Fault(
        "ipv6",
        "workers that listen on ::1 only",
        SOCKET,
        "`localhost` finds them, and the pool on ::1 is another one than that on 127.0.0.1",
        tests("adapters/http/test_client", "test_localhost_is_asked_where_the_worker_listens")
        + tests("adapters/pools/test_discover", "test_localhost_is_the_pool_on_ipv4_and_the_one_on_ipv6_lives"),
    ),
    Fault(
        "slow-names",
        "a name server that never answers",
        "a resolver that hangs",
        "other hosts are polled, and quitting does not wait",
        tests(
            "adapters/http/test_resolver",
            "test_the_loop_ends_while_a_lookup_hangs",
            "test_other_hosts_are_resolved_meanwhile_with_their_port",
        ),
    ),
    Fault(
        "orchestrator",
        "an orchestrator that is slow, huge, gone, or answers rubbish",
        SOCKET,
        "its failure has a name; no worker's poll is delayed",
        tests(
            "faults/test_readers",
            "test_an_orchestrator_that_fails_in_any_way_is_named_and_delays_no_worker",
            "test_an_orchestrator_of_thousands_of_workers_is_cut_to_this_pool",
        )
        + tests("engine/test_collector", "TestWhoIsSlow::test_a_hung_orchestrator_delays_nobody"),
    ),
    Fault(
        "many-hung",
        "64 workers that accept and never answer",
        SOCKET,
        "each is named after one timeout, not after 64",
        tests("adapters/http/test_client", "test_sixty_four_hung_workers_are_named_at_once"),
    ),
    Fault(
        "many-keys",
        "10 000 unknown keys with control characters in every answer",
        "real workers, real terminal",
        "cut, not refused; a key shows its screen within 5 s; less than 250 MB",
        tests("faults/test_terminal", "test_ten_thousand_hostile_keys_leave_keys_quick"),
        decode("test_ten_thousand_names_are_cut_not_refused"),
    ),
    Fault(
        "scraper",
        "500 silent clients, one that sends a byte at a time, a foreign Host header",
        SOCKET,
        "dropped after the deadline; the next scrape is answered; a foreign name is refused",
        tests(
            "adapters/alerts/test_scrape_server",
            "test_five_hundred_silent_clients_cost_nothing",
            "test_a_client_cannot_prolong_its_time_by_single_bytes",
            "test_a_foreign_name_is_refused",
        ),
    ),
)
