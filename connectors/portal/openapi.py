"""The OpenAPI document of the receiver."""

from collections.abc import Iterator
from typing import Any

from connectors.portal.statuses import TABLES

_TEXT = {"type": ["string", "integer", "boolean", "null"]}
_DATE = {
    "type": "string",
    "pattern": "^([0-9]{8}|[0-9]{12}|[0-9]{14})?$",
    "description": "Local yyyyMMddHHmmss or empty",
}
_CODE = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$"}
_ITEM: dict[str, Any] = {
    "description": "A dossier or a record of progress. Anything else is answered by itself, and the others go on.",
    "anyOf": [{"$ref": "#/components/schemas/Dossier"}, {"$ref": "#/components/schemas/Progress"}, {}],
}
_KEY: list[dict[str, list[str]]] = [{}, {"key": []}]


def document() -> dict[str, Any]:
    """The document: what may be sent, and every status that may be answered."""
    items = {"type": "array", "minItems": 1, "items": _ITEM}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dossier-stream: portal synchronisation receiver",
            "version": "1",
            "description": "Takes what one-stop systems send to the national portal. Fields that are not listed are "
            "ignored and never stored.",
        },
        "paths": {
            "/login": {"post": _post("A session for a user name and a password", _ref("Login"), [])},
            "/sync": {"post": _post("A service of the envelope", _ref("Envelope"), [])},
            **{
                f"/SynsTTHCC/{service}": {"post": _post("The older form", items, [_query("MaDinhDanhDV"), *more])}
                for service, more in (("DongBoHoSoMC", [_query("isUpdating")]), ("CapNhatTienDoHoSoMC", []))
            },
            "/openapi.json": {
                "get": {
                    "summary": "This document",
                    "responses": {"200": {"description": "The document", "content": _json({"type": "object"})}},
                }
            },
        },
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
            "schemas": _schemas(),
        },
    }


def _post(summary: str, body: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    failures = {
        "400": "The body is not what the service takes",
        "401": "Nobody vouches for the request: log in again",
        "403": "The sender does not speak for this unit",
        "408": "The body took too long",
        "413": "The body, or the number of items, is too large",
        "429": "Too much a second: Retry-After says when to go on",
        "503": "Nothing was taken for certain: send it again after Retry-After",
    }
    answer = _json(_ref("Answer"))
    return {
        "summary": summary,
        "security": _KEY,
        "parameters": parameters,
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            "200": {"description": "error_code 0 or 00: everything is on Kafka", "content": answer},
            **{status: {"description": text, "content": answer} for status, text in failures.items()},
        },
    }


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    answer = {"error_code": text, "message": text, "session": text, "result": {"type": "array"}}
    dates = ("NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi")
    supplement = ("NgayBoSung", "NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi")
    return {
        "Login": _object({"username": _TEXT, "password": _TEXT}, "username", "password"),
        "Envelope": {"oneOf": list(_envelopes())},
        "Dossier": _object(
            {
                "MaHoSo": _CODE,
                "MaTTHC": _TEXT,
                "KenhThucHien": {"enum": ["", "1", "2", "3"]},
                "TrangThaiHoSo": {"enum": ["", *TABLES["ending"]]},
                "DonViXuLy": _TEXT,
                **dict.fromkeys(dates, _DATE),
                "DuocThanhToanTrucTuyen": _TEXT,
                "DanhSachLePhi": {"type": "array", "items": _object({"Gia": _TEXT})},
                "DanhSachHoSoBoSung": {"type": "array", "items": _object(dict.fromkeys(supplement, _DATE))},
                "TaiLieuNop": {
                    "type": "array",
                    "items": _object(
                        dict.fromkeys(("DuocSoHoa", "DuocTaiSuDung", "DuocLayTuKhoDMQG", "IsDeleted"), _TEXT)
                    ),
                },
                "DanhSachGiayToKetQua": {"type": "array", "items": _object({"DuongDanTepTinKetQua": _TEXT})},
            },
            "MaHoSo",
        ),
        "Progress": _object({"MaHoSo": _CODE, "ThoiDiemXuLy": _DATE, "TrangThai": _TEXT}, "MaHoSo", "ThoiDiemXuLy"),
        "Answer": _object(answer, "error_code"),
    }


def _envelopes() -> Iterator[dict[str, Any]]:
    common = {"session": _TEXT, "madonvi": _TEXT}
    items = {"anyOf": [{"type": "array", "minItems": 1, "items": _ITEM}, {"type": "object"}]}
    yield _object(
        {
            **common,
            "service": {"enum": ["DongBoHoSoMC", "CapNhatTienDoHoSoMC"]},
            "isUpdating": {**_TEXT, "description": "False where it is told for the first time"},
            "data": items,
        },
        "service",
        "data",
    )
    yield _object({**common, "service": {"enum": ["TraCuuHoSo"]}, "mahoso": {"description": "A dossier"}}, "service")
    yield _object({**common, "service": {"enum": ["LayThuTuc"]}, "maTTHC": {"description": "A procedure"}}, "service")
    yield _object({**common, "service": {"enum": ["LayDanhSachTTHC", "LayDanhMucCoQuan"]}}, "service")


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}}
