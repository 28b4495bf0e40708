"""Input as no source should send it."""

from chaos.city import City
from chaos.hostile import corrected, late, poison, repeated, shuffled
from chaos.scale import Scale
from schemas.envelope import encode, encode_event

_SHARES = (0.01, 0.1, 0.5)


def duplicates(city: City, scale: Scale) -> int:
    """A hundredth, a tenth and a half of all events come twice."""
    for share in _SHARES:
        city.publish(repeated(city.next_events(scale.hostile), share, city.random))
    return len(_SHARES)


def disorder(city: City, scale: Scale) -> int:
    """Events come hours before and after their turn, some of them months late."""
    city.publish(shuffled(city.next_events(scale.hostile), 12, city.random))
    city.publish(late(city.next_events(scale.hostile), 0.2, city.random))
    everything = city.next_events(scale.hostile)
    city.random.shuffle(everything)
    city.publish(everything)
    return 3


def corrections(city: City, scale: Scale) -> int:
    """What was said is moved to other agencies and windows, given back, voided and contradicted, in any order."""
    told = corrected(city.next_events(scale.hostile), 0.3, city.random)
    city.publish(told)
    city.kill(city.a_worker())
    again = corrected(city.next_events(scale.hostile), 0.3, city.random)
    city.random.shuffle(again)
    city.publish(again)
    return 2


def foreign_producer(city: City, scale: Scale) -> int:
    """Records without keys, of broken lines alone or among events, empty ones, on any partition."""
    lines = poison(range(scale.hostile // 20))
    envelopes = [lines[start : start + 50] for start in range(0, len(lines), 50)]
    city.publish_foreign([encode(envelope) for envelope in envelopes], lines)
    city.publish_foreign([b"", b"\n" * 10, b"\n".join([b"1"] * 5000)])
    city.send(scale.hostile)
    return len(envelopes) + 3


def misplaced(city: City, scale: Scale) -> int:
    """A producer with a partitioner of its own: its events are put aside, and count once when they are replayed."""
    events = city.next_events(scale.slice)
    lines = [encode_event(event) for event in events]
    city.publish_foreign([encode(lines[start : start + 20]) for start in range(0, len(lines), 20)])
    city.send(scale.slice)
    city.await_counted()
    for _ in range(2):
        city.run("dead-letters", "replay", "--reason", "misplaced")
    city.sent += events
    return 1


def flood(city: City, scale: Scale) -> int:
    """So many broken lines that workers stop, again and again, until somebody accepts them."""
    city.send(scale.slice)
    city.await_counted()
    lines = poison(range(12_000))
    city.publish_foreign([encode(lines[start : start + 1000]) for start in range(0, len(lines), 1000)], lines, only=0)
    city.send(scale.slice)
    city.await_true(
        lambda: any("flooded" in each.reason for each in city.platform.state.processes), "the flood to be noticed"
    )
    assert city.poison_missing() > len(lines) // 2, "the flood was drained"
    city.restart(2, DOSSIER_DEAD_RATIO="1")
    return 1
