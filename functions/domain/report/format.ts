/** Numbers, sizes and times as people read them; used by the report page and the messages alike. */

/** `1,234 files`, `1 file`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
    return `${number.toLocaleString("en-GB")} ${number === 1 ? noun : plural}`;
}

/** `512 B`, `8.0 GiB`: powers of 1,024, one decimal from KiB up. */
export function bytes(size: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let value = size;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** `2026-11-20 03:11:42 UTC`. Text that is no date is given back as it came: a disk may claim anything. */
export function time(text: string): string {
    const parsed = /^\d{4}-\d{2}-\d{2}[T ]/.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(parsed)
        ? text
        : new Date(parsed)
              .toISOString()
              .replace("T", " ")
              .replace(/\.\d{3}Z$/, " UTC");
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
    return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;
}

/** GuardDuty's words for its 0 to 10 severity. */
export function findingSeverity(severity: number): "critical" | "high" | "medium" | "low" {
    if (severity >= 9) return "critical";
    if (severity >= 7) return "high";
    return severity >= 4 ? "medium" : "low";
}

/** `3 h 26 min`, `5 min`: rounded up to whole minutes. @param seconds as long as something takes */
export function duration(seconds: number): string {
    const minutes = Math.max(1, Math.ceil(seconds / 60));
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
}
