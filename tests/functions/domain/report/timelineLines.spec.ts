import { expect } from "chai";
import fc from "fast-check";
import { timelineCollector } from "../../../../functions/domain/report/timelineLines";
import { findings, lines, timesketch } from "../../../fixtures/analysis/plain";

const feed = <T>(collector: { line: (text: string) => void; result: () => T }, text: string): T => {
    text.split("\n").forEach(collector.line);
    return collector.result();
};

describe("timesketch.jsonl", () => {
    it("keeps the times of files that findings name, log-ins and commands, and leaves out the rest", () => {
        const { events, read, leftOut } = feed(timelineCollector(findings), lines(timesketch));
        expect(read).to.equal(10);
        expect(leftOut).to.equal(0);
        expect(events.map(({ message }) => message)).to.not.include("/usr/bin/ls");
        expect(events).to.have.length(9);
        expect(events[0]).to.deep.equal({
            at: "2026-11-20T03:11:42.000Z",
            kind: "content modified, metadata changed, born",
            message: "/html/uploads/avatar.php",
            severity: "high",
            finding: findings.find(({ path }) => path === "/html/uploads/avatar.php")!.id,
            lane: "files",
            count: 1,
            until: null,
        });
        expect(events[1]).to.include({ kind: "logged in", severity: null });
    });

    it("keeps one accepted password among thousands of refused ones, which it tells as one a source", () => {
        const record = (second: number, message: string) => ({
            ...timesketch[2],
            datetime: new Date(Date.UTC(2026, 10, 20, 3, 11) + second * 1000).toISOString(),
            message,
        });
        const refused = Array.from({ length: 3000 }, (_, index) => record(index % 180, "failed log-in as root from 203.0.113.44"));
        const later = record(4 * 3600, "failed log-in as root from 203.0.113.44");
        const { events, leftOut } = feed(
            timelineCollector([], 20),
            // One attempt is in btmp and in secure: it counts once.
            lines([
                ...refused,
                ...refused.map((each) => ({ ...each, path: "/var/log/btmp" })),
                record(90, "deploy logged in on ssh from 203.0.113.44"),
                later,
            ]),
        );
        expect(leftOut).to.equal(0);
        expect(events.map(({ message, count }) => [message, count])).to.deep.equal([
            ["3000 failures from 203.0.113.44", 3000],
            ["deploy logged in on ssh from 203.0.113.44", 1],
            ["failed log-in as root from 203.0.113.44", 1],
        ]);
        expect([events[0]!.at, events[0]!.until]).to.deep.equal(["2026-11-20T03:11:00.000Z", "2026-11-20T03:13:59.000Z"]);
    });

    it("does not take a path of one volume for the same path of another", () => {
        const other = timesketch.map((event) => ({ ...event, volume_id: "vol-other" }));
        expect(feed(timelineCollector(findings), lines(other)).events.every(({ severity }) => severity === null)).to.equal(true);
    });

    it("keeps at most so many, those of severe findings before log-ins, and counts the others", () => {
        const logins = Array.from({ length: 5000 }, (_, index) => ({
            ...timesketch[2],
            datetime: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
        }));
        const { events, leftOut } = feed(timelineCollector(findings, 20), lines([...logins, ...timesketch]));
        expect(events).to.have.length(20);
        expect(leftOut).to.equal(5000 + 9 - 20);
        expect(events.filter(({ severity }) => severity !== null)).to.have.length(7);
        expect(events.map(({ at }) => at)).to.deep.equal(events.map(({ at }) => at).sort());
    });

    it("takes no time beyond the year 9999 for one, which would stand before all others", () => {
        const { malformed, events } = feed(
            timelineCollector(findings),
            lines([{ ...timesketch[1], datetime: "+020000-01-01T00:00:00Z" }, timesketch[1]]),
        );
        expect([malformed, events.length]).to.deep.equal([1, 1]);
    });

    it("counts what is no event, and never throws", () => {
        const { malformed, read } = feed(
            timelineCollector(findings),
            `{\nnull\n${JSON.stringify({ ...timesketch[0], datetime: "never" })}\n${lines(timesketch)}`,
        );
        expect([malformed, read]).to.deep.equal([3, 10]);
        fc.assert(
            fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
                expect(feed(timelineCollector(findings), text).events).to.deep.equal([]);
            }),
        );
    });
});
