"""Faults of a cluster: nodes, jobs and a controller that are lost, and jobs of others."""

from tests.faults.fault import Fault, tests

REAL = "real Slurm of two nodes"
SCRIPTED = "scripted Slurm"
POOL = "adapters/slurm/test_pool"
NODES = "engine/test_cluster_collector"
TWO_NODES = tests("e2e/test_slurm", "test_a_pool_on_slurm")
REQUEUE = tests("e2e/test_slurm", "test_a_requeued_job_and_a_controller_that_is_away")

FAULTS = (
    Fault(
        "slurm-node",
        "a node fails in mid-run",
        REAL,
        "its workers are named with NODE_FAIL, and unknown, not dead; the others go on; the report says it",
        TWO_NODES,
        tests(NODES, "test_after_the_loss_of_a_node_nothing_is_known_to_be_gone"),
    ),
    Fault(
        "slurm-requeue",
        "a job is requeued on another node",
        REAL,
        "a worker of the other node, its start counted, with the cause; nothing is left of the first node",
        REQUEUE,
        tests("adapters/slurm/test_changes", "test_the_real_loss_of_a_node"),
    ),
    Fault(
        "slurm-controller",
        "slurmctld is away",
        REAL,
        "workers are watched all the same, every action is refused, and Slurm is asked less often",
        REQUEUE,
        tests(POOL, "test_slurm_is_asked_every_5_s_and_less_often_after_an_error"),
    ),
    Fault(
        "slurm-monitor",
        "the monitor dies between sbatch and the note of the array",
        SCRIPTED,
        "the next monitor finds the jobs by the token in their comment",
        tests(POOL, "test_a_monitor_that_died_before_it_wrote_the_id_is_followed"),
    ),
    Fault(
        "slurm-two-monitors",
        "two monitors of one pool, on one machine or on two login nodes",
        "real socket, real lock",
        "one acts; the other watches, or waits for the end of the action and looks again",
        tests(POOL, "test_one_monitor_acts", "test_a_monitor_on_another_machine_that_acts_now_is_waited_for"),
    ),
    Fault(
        "slurm-others",
        "jobs of the same name with another user or another token",
        SCRIPTED,
        "never ended; those of this user are named",
        tests(POOL, "test_jobs_without_our_token_name_or_user_are_never_touched"),
    ),
    Fault(
        "slurm-port",
        "something else answers on the port of a worker whose job has ended",
        "scripted agent",
        "it is a stranger, and its numbers are not used",
        tests(NODES, "test_what_answers_for_a_job_that_ended_is_a_stranger"),
    ),
    Fault(
        "slurm-hangs",
        "a command of Slurm hangs, fails or prints without end",
        "real processes",
        "a named failure after its deadline",
        tests("adapters/slurm/test_commands", "test_one_that_hangs_is_ended", "test_a_failure_has_its_words"),
    ),
)
