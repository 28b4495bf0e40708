"""When a crashed process is started again."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.restart_policy import RestartPolicy

policies = st.builds(
    RestartPolicy,
    first=st.floats(0.01, 10),
    longest=st.floats(10, 300),
    healthy=st.floats(1, 600),
    failing=st.integers(1, 10),
)


@given(policies, st.integers(1, 10_000))
def test_waits_longer_after_each_crash_up_to_a_limit(policy: RestartPolicy, crashes: int) -> None:
    assert 0 < policy.delay(crashes) <= policy.delay(crashes + 1) <= policy.longest


def test_doubles_from_the_first_delay() -> None:
    policy = RestartPolicy(first=0.5, longest=30)
    assert [policy.delay(n) for n in (1, 2, 3, 6, 7, 1_000_000)] == [0.5, 1, 2, 16, 30, 30]


@given(policies, st.integers(0, 1000), st.floats(0, 10_000))
def test_forgets_crashes_only_after_a_healthy_while(policy: RestartPolicy, before: int, ready_seconds: float) -> None:
    crashes = policy.crashes(before, ready_seconds)
    assert crashes == (1 if ready_seconds >= policy.healthy else before + 1)
