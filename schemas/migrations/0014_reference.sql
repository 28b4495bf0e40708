-- Reference data: agencies, procedures and officials. A load writes its rows first and its line in reference_loads last.
-- The current load of a kind is the greatest of its lines; rows whose load has no line do not exist.
CREATE TABLE IF NOT EXISTS reference_loads
(
    kind          LowCardinality(String) COMMENT 'agencies, procedures or officials',
    load          UInt64                 COMMENT 'Number of the load: microseconds since 1970, greater than those before',
    loaded_at     DateTime64(3, 'UTC')   COMMENT 'When its rows were complete',
    loaded_by     String                 COMMENT 'Who loaded it',
    digest        String                 COMMENT 'SHA-256 of its content, whatever the order of rows and the form of the files',
    files         Array(String)          COMMENT 'Names of the files; none of a restored load',
    rows          UInt64                 COMMENT 'How many rows it has',
    changes       String                 COMMENT 'What it changed, in words',
    restored_from UInt64                 COMMENT 'The earlier load that it restored; 0 of files'
)
ENGINE = {replicated}MergeTree
ORDER BY (kind, load)
COMMENT 'Loads of reference data: the greatest load of a kind is the current one';

CREATE TABLE IF NOT EXISTS agencies
(
    load       UInt64                 COMMENT 'Load that it belongs to',
    code       String                 COMMENT 'Code of the agency',
    valid_from Date32                 COMMENT 'First local day; 1900-01-01 where open',
    valid_to   Date32                 COMMENT 'Last local day; 2299-12-31 where open',
    name_vi    String                 COMMENT 'Name in Vietnamese',
    name_en    String                 COMMENT 'Name in English; empty where none is declared',
    parent     String                 COMMENT 'Code or alias of the agency above; empty at a root',
    level      LowCardinality(String) COMMENT 'ministry, province, department, district, commune, centre or branch',
    `group`    LowCardinality(String) COMMENT 'Group in which it is compared',
    aliases    Array(String)          COMMENT 'Other codes that sources use for it',
    successors Array(String)          COMMENT 'Codes or aliases that took over after its last version'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, code, valid_from)
COMMENT 'Versions of agencies, as declared';

CREATE TABLE IF NOT EXISTS agency_placements
(
    load       UInt64        COMMENT 'Load that it belongs to',
    agency     String        COMMENT 'Code or alias of an agency',
    valid_from Date          COMMENT 'First local day of the interval',
    valid_to   Date          COMMENT 'Last local day of the interval',
    path       Array(String) COMMENT 'Codes from the root down to the node that its figures belong to'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, agency, valid_from)
COMMENT 'Places of agencies in the tree, derived from their versions: intervals that cover all days';

CREATE TABLE IF NOT EXISTS procedures
(
    load                UInt64                        COMMENT 'Load that it belongs to',
    code                String                        COMMENT 'Code of the procedure',
    channel             LowCardinality(String)        COMMENT 'Channel of reception that it is for; empty for all',
    valid_from          Date32                        COMMENT 'First local day; 1900-01-01 where open',
    valid_to            Date32                        COMMENT 'Last local day; 2299-12-31 where open',
    name_vi             String                        COMMENT 'Name in Vietnamese',
    name_en             String                        COMMENT 'Name in English; empty where none is declared',
    field               LowCardinality(String)        COMMENT 'Field of administration',
    levels              Array(LowCardinality(String)) COMMENT 'Levels of the agencies that carry it out',
    service_level       LowCardinality(String)        COMMENT 'full, partial or information; 4 and 3 are older words for full and partial',
    term                Nullable(UInt16)              COMMENT 'Term, in its unit; NULL where there is none',
    unit                LowCardinality(String)        COMMENT 'working hours, working days, days or months',
    fees                Array(Tuple(name String, amount Int64, valid_from Date32, valid_to Date32))
                        COMMENT 'Fee lines in đồng with the days on which they hold; none where it is free of charge',
    electronic_result   Bool                          COMMENT 'Whether an electronic result is required',
    components_reusable Array(String)                 COMMENT 'Components that can be re-used'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, code, channel, valid_from)
COMMENT 'Versions of administrative procedures, as declared';

CREATE TABLE IF NOT EXISTS officials
(
    load UInt64 COMMENT 'Load that it belongs to',
    code String COMMENT 'Opaque code of the official',
    unit String COMMENT 'Unit that the official belongs to'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, code)
COMMENT 'Officials: a code and a unit, without names';

CREATE TABLE IF NOT EXISTS official_names
(
    load UInt64 COMMENT 'Load that it belongs to',
    code String COMMENT 'Opaque code of the official',
    name String COMMENT 'Name; personal data'
)
ENGINE = {replicated}MergeTree
ORDER BY (load, code)
COMMENT 'Names of officials of the current load: the reader of dashboards may not read them'
