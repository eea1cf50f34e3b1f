/**
 * Reads the times of a file off a line of timesketch.jsonl without parsing it. Of the millions of events of a disk nearly all are such
 * lines, and nearly all of them are about files that no finding names: those are only counted.
 *
 * Takes exactly the form that the analysis writes (`_event_line` in timeline.py), with nothing escaped, no name twice and a time that
 * exists. Whatever deviates is no error: it is parsed like any other JSON.
 */

/** What a JSON string is made of that stands for itself. */
const text = String.raw`"[^"\\\u0000-\u001f]*"`;
const plainText = String.raw`"([^"\\\u0000-\u001f]*)"`;
const whole = String.raw`(?:0|[1-9]\d{0,18})`;
/** Every day that each year has; the 29th of February is left to the parser. */
const day = String.raw`(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)`;
const time = String.raw`"\d{4}-${day}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}\+00:00"`;
const value = `(?:${text}|${whole})`;
const fileTime = new RegExp(
    `^\\{"message":${text},"datetime":${time},"timestamp_desc":${text},"data_type":"clean_room:file_system",` +
        `"path":${plainText},"volume_id":${plainText},"mode":${text},"uid":${value},"gid":${value},"size":${value},"inode":${value}\\}$`,
);

/** @returns the file that the line is about; null where the line is to be parsed */
export function plainFileTime(line: string): { volumeId: string; path: string } | null {
    const match = fileTime.exec(line);
    return match && { path: match[1]!, volumeId: match[2]! };
}
