"""Faults of a Ray cluster: nodes, actors and keepers that are lost, and actors of others."""

from tests.faults.fault import Fault, tests

SCRIPTED = "scripted Ray"
RECORDED = "recorded from a real Ray"
PROCESSES = "real processes"
POOL = "adapters/ray/test_pool"
KEEPER = "adapters/ray/test_keeper"
SIDECAR = "adapters/ray/test_sidecar"

FAULTS = (
    Fault(
        "ray-deaths",
        "a worker, its actor or its node dies, or Ray's memory monitor kills it",
        RECORDED,
        "each is named as what it is; no exit code is invented, and a lost node's workers are unknown, not dead",
        tests("adapters/ray/test_actors", "test_how_each_one_ended"),
        tests(POOL, "test_exits_and_events_of_actors_that_end"),
    ),
    Fault(
        "ray-actor",
        "the actor of a worker is killed",
        PROCESSES,
        "the worker and its children get SIGTERM, and SIGKILL after a grace",
        tests(KEEPER, "test_the_end_of_the_actor_ends_the_worker_and_its_children"),
        tests(KEEPER, "test_a_worker_that_withstands_is_killed_after_the_grace"),
    ),
    Fault(
        "ray-keeper",
        "the keeper of a worker is killed",
        PROCESSES,
        "the kernel kills the worker; the actor says that the exit is not known",
        tests(KEEPER, "test_a_worker_ends_when_its_keeper_is_killed"),
    ),
    Fault(
        "ray-sidecar",
        "the sidecar hangs, ends or prints something else",
        PROCESSES,
        "a named failure after its deadline; it is started again with growing pauses",
        tests(SIDECAR, "test_a_call_that_hangs_holds_up_no_other", "test_a_sidecar_that_is_of_no_use_says_why"),
    ),
    Fault(
        "ray-monitor",
        "the monitor dies between the wanted number and the actors",
        SCRIPTED,
        "the next monitor reads the wanted number from the cluster and goes on by a resize",
        tests(POOL, "test_a_monitor_that_dies_in_the_middle_is_followed"),
    ),
    Fault(
        "ray-others",
        "actors of the same namespace with another name or token",
        SCRIPTED,
        "never ended; the plan names them",
        tests(POOL, "test_actors_of_others_are_never_touched"),
    ),
)
