import { expect } from "chai";
import fc from "fast-check";
import { plainFileTime } from "../../../../functions/domain/report/plainFileTime";
import { timelineCollector } from "../../../../functions/domain/report/timelineLines";

/** As `_event_line` of analysis/clean_room_analysis/timeline.py writes it. */
const fields = (over: Record<string, unknown> = {}) => ({
    message: "/usr/bin/ls",
    datetime: "2026-11-20T03:11:42.123456+00:00",
    timestamp_desc: "content modified, metadata changed",
    data_type: "clean_room:file_system",
    path: "/usr/bin/ls",
    volume_id: "vol-0c0ffee0000000001",
    mode: "100755",
    uid: 0,
    gid: 0,
    size: 138208,
    inode: 8412,
    ...over,
});
const line = (over?: Record<string, unknown>) => JSON.stringify(fields(over));

describe("a line about a file's time", () => {
    it("is read without parsing it where it is as the analysis writes it, on any system", () => {
        const known = { volumeId: "vol-0c0ffee0000000001", path: "/usr/bin/ls" };
        expect(plainFileTime(line())).to.deep.equal(known);
        for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 0, 1); day += 86_400_000)
            expect(plainFileTime(line({ datetime: new Date(day).toISOString().replace("Z", "000+00:00") }))).to.deep.equal(known);
        // Windows has SIDs and no mode.
        expect(plainFileTime(line({ mode: "", uid: "S-1-5-18", gid: "", size: "", inode: "" }))).to.deep.equal(known);
    });

    it("is left to the parser where anything is otherwise: escapes, marks, a second name, a time that is none", () => {
        for (const other of [
            line({ path: '/tmp/"x' }),
            line({ path: "/tmp/\u0000" }),
            line({ severity: "high" }),
            line({ data_type: "clean_room:artefact" }),
            line({ datetime: "2026-02-30T03:11:42.123456+00:00" }),
            line({ datetime: "2026-13-01T03:11:42.123456+00:00" }),
            line().replace("{", '{"path":"/other",'),
            line().replace(/\}$/, ',"path":"/other"}'),
            line().replace(/\}$/, ""),
            `${line()}${line()}`,
            line().replace('"mode"', '"path":"/other","mode"'),
            line().replace("138208", "0138208"),
        ])
            expect(plainFileTime(other), other).to.equal(null);
    });

    it("never says anything else than the parser does, whatever a hostile host writes", () => {
        const piece = fc.constantFrom('"', "\\", "{", "}", ",", ":", '"path":"/x"', '\\"', "\\u0022", "0", "\u0007", "é", "\ud800", "-1");
        const cut = fc.record({ at: fc.nat(220), gone: fc.nat(12), put: fc.array(piece, { maxLength: 3 }).map((all) => all.join("")) });
        let taken = 0;
        fc.assert(
            fc.property(fc.string(), fc.array(cut, { maxLength: 2 }), (path, cuts) => {
                const hostile = cuts.reduce((text, { at, gone, put }) => text.slice(0, at) + put + text.slice(at + gone), line({ path }));
                const plain = plainFileTime(hostile);
                if (plain === null) return;
                taken += 1;
                const parsed = JSON.parse(hostile) as ReturnType<typeof fields>;
                expect(plain).to.deep.equal({ volumeId: parsed.volume_id, path: parsed.path });
                expect(parsed.data_type).to.equal("clean_room:file_system");
                expect(new Date(parsed.datetime).getTime()).not.to.be.NaN;
            }),
            { numRuns: 3000 },
        );
        expect(taken).to.be.greaterThan(100);
    });

    it("is counted, and parsed only where a finding names its file", () => {
        const parse = JSON.parse;
        let parsed = 0;
        JSON.parse = (text: string) => {
            parsed += 1;
            return parse(text) as unknown;
        };
        try {
            const collector = timelineCollector([
                {
                    ...{ schemaVersion: 1, id: "a".repeat(16), check: "suid", severity: "high", title: "x", evidence: "x", attack: [] },
                    ...{ path: "/usr/bin/7", volumeId: "vol-0c0ffee0000000001", modified: null, sha256: null, rule: null },
                },
            ]);
            for (let number = 0; number < 1000; number += 1)
                collector.line(line({ path: `/usr/bin/${number}`, message: `/usr/bin/${number}` }));
            const { read, malformed, leftOut, events } = collector.result();
            expect({ read, malformed, leftOut, told: events.map(({ message }) => message), parsed }).to.deep.equal({
                ...{ read: 1000, malformed: 0, leftOut: 0, told: ["/usr/bin/7"], parsed: 1 },
            });
        } finally {
            JSON.parse = parse;
        }
    });
});
