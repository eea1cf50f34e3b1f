/** Log-in records as glibc writes them to wtmp and btmp on x86-64: 384 bytes each (utmp(5)). */

export type RecordType = "boot" | "login" | "user" | "dead";
const typeNumber: Record<RecordType, number> = { boot: 2, login: 6, user: 7, dead: 8 };
const recordSize = 384;

export interface LoginRecord {
    readonly type: RecordType;
    readonly pid: number;
    /** Terminal, such as "pts/0" or "ssh:notty". */
    readonly line: string;
    readonly user: string;
    /** Remote address, dotted IPv4, or a kernel release for a boot record. */
    readonly host: string;
    /** ISO 8601 in UTC, whole seconds. */
    readonly at: string;
}

/** One 384-byte record. */
export function encodeLoginRecord(record: LoginRecord): Buffer {
    const bytes = Buffer.alloc(recordSize);
    bytes.writeInt16LE(typeNumber[record.type], 0);
    bytes.writeInt32LE(record.pid, 4);
    bytes.write(record.line, 8, 32, "latin1");
    bytes.write(record.line.replace(/^.*?([^/]{0,4})$/, "$1"), 40, 4, "latin1");
    bytes.write(record.user, 44, 32, "latin1");
    bytes.write(record.host, 76, 256, "latin1");
    bytes.writeInt32LE(record.pid, 336);
    bytes.writeInt32LE(Date.parse(record.at) / 1000, 340);
    const octets = record.host.split(".").map(Number);
    if (octets.length === 4 && octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet <= 255)) {
        bytes.set(octets, 348);
    }
    return bytes;
}

/** A whole wtmp or btmp file. */
export function encodeLoginRecords(records: readonly LoginRecord[]): Buffer {
    return Buffer.concat(records.map(encodeLoginRecord));
}
