/**
 * Reading JSON whose author is unknown: nothing here throws, and nothing here trusts a type.
 *
 * GuardDuty writes `accountId` in events and `AccountId` in GetFindings, and public tools mix the two in one document,
 * so keys are compared without regard to case, one key at a time.
 */
export type JsonObject = { readonly [key: string]: unknown };

/** Larger messages are refused unread. SNS and EventBridge stop at 256 KiB; a full GetFindings page may be larger. */
export const largestMessageCharacters = 4 * 1024 * 1024;

/** Parses text, or normalises a value to plain JSON. @returns a reason instead when it cannot be read. */
export function readJson(message: unknown): { value: unknown } | { reason: string } {
    try {
        const text = typeof message === "string" ? message : JSON.stringify(message);
        if (text === undefined) return { reason: 'The message is empty. Send a GuardDuty finding or {"instanceId","accountId","region"}.' };
        if (text.length > largestMessageCharacters) {
            return {
                reason: `The message has ${text.length} characters, more than the ${largestMessageCharacters} that are read. Send its findings one by one.`,
            };
        }
        const plain = fromBase64(text.replace(/^\uFEFF/, ""));
        return readLines(plain) ?? { value: JSON.parse(plain) };
    } catch (error) {
        return {
            reason: `The message is not valid JSON (${quote((error as Error).message, 120)}). Send a GuardDuty finding or {"instanceId","accountId","region"} as JSON.`,
        };
    }
}

/** What base64, in which Kinesis and Firehose deliver records, holds where that begins as an object or a list; any other text as it is. */
function fromBase64(text: string): string {
    const packed = text.trim();
    // In base64 `{` and `[`, with a blank or without, begin so.
    if (!/^(ey|ew|W[y0-9A-Za-z])/.test(packed) || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(packed)) return text;
    const plain = Buffer.from(packed, "base64").toString("utf8");
    return /^\s*[{[]/.test(plain) ? plain : text;
}

/** JSON Lines, as GuardDuty exports findings: one document a line. @returns null for text that is not */
function readLines(text: string): { value: unknown[] } | null {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
    if (lines.length < 2 || !lines.every((line) => /^\s*\{.*\}\s*$/.test(line))) return null;
    try {
        return { value: lines.map((line) => JSON.parse(line) as unknown) };
    } catch {
        return null; // one document over several lines
    }
}

/** The value as an object; null for lists, null and scalars. */
export function asObject(value: unknown): JsonObject | null {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** One level down by key, whatever its case; the exact spelling wins. @returns undefined when there is no such key. */
export function field(value: unknown, name: string): unknown {
    const object = asObject(value);
    if (!object) return undefined;
    if (Object.hasOwn(object, name)) return object[name];
    const wanted = name.toLowerCase();
    const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === wanted);
    return key === undefined ? undefined : object[key];
}

/** Several levels down by keys, whatever their case. */
export function at(value: unknown, ...names: string[]): unknown {
    return names.reduce<unknown>((inner, name) => field(inner, name), value);
}

/** The text at a path; null when it is missing, empty or no text. */
export function textAt(value: unknown, ...names: string[]): string | null {
    const found = at(value, ...names);
    return typeof found === "string" && found !== "" ? found : null;
}

/** The list at a path; empty when it is missing or no list. */
export function listAt(value: unknown, ...names: string[]): readonly unknown[] {
    const found = at(value, ...names);
    return Array.isArray(found) ? found : [];
}

/** True for the JSON value true and for the text "true": ASFF and some tools write every value as text. */
export function isTrue(value: unknown): boolean {
    return value === true || (typeof value === "string" && value.toLowerCase() === "true");
}

/** Untrusted text made fit to stand inside a reason: bounded, in quotation marks, control characters escaped. */
export function quote(value: unknown, maximum = 80): string {
    if (Array.isArray(value)) return "a list";
    if (typeof value === "object" && value !== null) return "an object";
    const text = String(value);
    return JSON.stringify(text.length > maximum ? `${text.slice(0, maximum - 1)}…` : text);
}

/** The parts of an ARN; null when the text is none. `resource` is everything after the fifth colon. */
export function parseArn(
    text: string | null,
): { partition: string; service: string; region: string; accountId: string; resource: string } | null {
    const match = /^arn:([a-z-]+):([a-z0-9-]+):([a-z0-9-]*):(\d*):(.+)$/s.exec(text ?? "");
    return match && { partition: match[1], service: match[2], region: match[3], accountId: match[4], resource: match[5] };
}
