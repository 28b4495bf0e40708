"""What the server says, read packet by packet: every answer must be whole packets of the protocol."""

import struct

from msgspec import Struct

from deploy.embedded.clickhouse.compressed_frames import decompress
from deploy.embedded.clickhouse.errors import NOT_SUPPORTED, ServerError
from deploy.embedded.clickhouse.native_blocks import BLOCK_INFO, inside, walk_columns
from deploy.embedded.clickhouse.wire_format import Reader

HELLO, DATA, EXCEPTION, PROGRESS, PONG, END_OF_STREAM, PROFILE_INFO = range(7)
KILLED = 394


class Answer(Struct):
    """The packets of an answer: its exceptions' codes and the rows its inserts have written; or what is wrong."""

    packets: list[int] = []
    codes: list[int] = []
    written: int = 0
    wrong: str = ""

    @property
    def ended(self) -> bool:
        """Whether the last query has come to its end, well or not."""
        return bool(self.packets) and self.packets[-1] in (EXCEPTION, END_OF_STREAM)


def read_answer(received: bytes) -> Answer:
    """All that is in these bytes."""
    answer, reader = Answer(), inside(received)
    while reader.waiting[:1]:
        try:
            answer.packets.append(reader.varint())
            _read_packet(answer, reader)
        except ServerError as error:
            if error.code == NOT_SUPPORTED[0]:
                # A column, as of type JSON, whose end cannot be told: the rest is known by its last byte alone.
                answer.packets += [END_OF_STREAM] * received.endswith(bytes([END_OF_STREAM]))
                return answer
            answer.wrong = str(error)
            return answer
        except (EOFError, struct.error) as error:
            answer.wrong = f"after packets {answer.packets[-9:]} the answer cannot be read: {error}"
            return answer
    return answer


def _read_packet(answer: Answer, reader: Reader) -> None:
    match answer.packets[-1]:
        case 0:
            reader.text(), reader.varint(), reader.varint(), reader.varint(), reader.text(), reader.text()
            reader.varint()
        case 1:
            reader.text()
            block = reader
            if not reader.waiting.startswith(BLOCK_INFO):
                block = Reader(lambda: decompress(reader))
            block.skip(len(BLOCK_INFO))
            walk_columns(block, block.varint(), block.varint())
        case 2:
            (code,) = struct.unpack("<i", reader.take(4))
            answer.codes.append(code)
            reader.text(), reader.text(1 << 27), reader.text()
            reader.skip(1)
        case 3:
            reader.varint(), reader.varint(), reader.varint()
            answer.written += reader.varint()
            reader.varint()
        case 4 | 5:
            pass
        case 6:
            reader.varint(), reader.varint(), reader.varint(), reader.byte(), reader.varint(), reader.byte()
        case packet:
            answer.wrong = f"packet {packet} is none that a server sends"
            reader.skip(len(reader.waiting))
