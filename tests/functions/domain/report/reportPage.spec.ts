import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { html, preformatted, toText } from "../../../../functions/domain/report/html";
import { renderReport } from "../../../../functions/domain/report/reportPage";
import { visible, visibleLines } from "../../../../functions/domain/visibleText";
import { reportInput } from "../../../fixtures/analysis/input";
import * as hostile from "../../../fixtures/analysis/hostile";
import * as plain from "../../../fixtures/analysis/plain";

/** Tags that the page itself uses; anything else came from the data. */
const ownTags =
    /^\/?(html|head|meta|title|style|body|main|header|nav|section|article|div|p|h[1-4]|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tr|th|td|pre|code|span|strong|a|br|details|summary|time|!DOCTYPE)$/i;
/** The page without its data and its program, which stand at the end and are checked by themselves. */
const withoutProgram = (page: string): string => page.slice(0, page.indexOf('<script type="application/octet-stream" id="report-data">'));
const tags = (page: string): string[] =>
    [
        ...withoutProgram(page)
            .replace(/<style>[^]*?<\/style>/, "")
            .matchAll(/<([^\s>]+)/g),
    ].map(([, tag]) => tag);

describe("html", () => {
    it("escapes every interpolated string and leaves markup alone", () => {
        expect(
            toText(html`<p title="${'"><b>'}">${"<i>&'`"} ${html`<b>${1}</b>`} ${[html`x`, "<y>"]} ${null}${undefined}${false}</p>`),
        ).to.equal('<p title="&quot;&gt;&lt;b&gt;">&lt;i&gt;&amp;&#39;&#96; <b>1</b> x&lt;y&gt; </p>');
    });

    it("leaves no way for any text to open a tag, close an attribute or reorder a line", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary" }), (text) => {
                for (const fragment of [html`${text}`, preformatted(text)]) {
                    expect(toText(fragment)).to.not.match(/[<>"'`\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
                }
            }),
        );
    });
});

describe("visible text", () => {
    it("shows what would hide or reorder", () => {
        expect(visible("a\u202Eb\u0000c\nd\u200Be\uD83Df")).to.equal("a⟨U+202E⟩b␀c␊d⟨U+200B⟩e⟨U+D83D⟩f");
        expect(visible("Zürich 日本 😀 é")).to.equal("Zürich 日本 😀 é");
        expect(visible(`e${"\u0301".repeat(50)}x`)).to.equal(`e${"\u0301".repeat(3)}⟨combining marks⟩x`);
    });

    it("keeps lines and tabs where lines are shown", () => {
        expect(visibleLines("a\r\nb\tc\u0007")).to.equal("a\nb\tc␇");
    });
});

describe("report page", () => {
    it("has its sections in the reader's order", () => {
        const ids = [...renderReport(reportInput()).matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id);
        expect(ids).to.deep.equal([
            "verdict",
            "story",
            "findings",
            "timeline",
            "control-plane",
            "spread",
            "indicators",
            "containment",
            "not-looked-at",
            "integrity",
            "custody",
            "original-finding",
        ]);
    });

    it("names every finding of the incident, and the message each came in", () => {
        const seen = (id: string, sha256: string) => ({
            id,
            type: `Recon:EC2/${id}`,
            severity: 5,
            sample: false,
            origin: "guardduty" as const,
            updatedAt: null,
            message: { sha256: sha256.repeat(64), bytes: 1 },
            mode: "automatic" as const,
            seenAt: "2026-11-20T03:59:00.000Z",
        });
        const findings = [seen(plain.custody.incident.finding.id, "a"), seen("0ther", "b"), seen("third", "c")];
        const page = renderReport(reportInput({ custody: { ...plain.custody, findings } }));
        for (const { id, type } of findings.slice(1)) expect(page).to.contain(id).and.contain(type);
        expect(page)
            .to.contain(`${plain.prefix}messages/${"b".repeat(64)}.json`)
            .and.contain("2026-11-20 03:59:00 UTC");
        expect(renderReport(reportInput())).to.contain("No other finding about the instance joined the incident");
    });

    it("holds the whole chain of custody", () => {
        const page = renderReport(reportInput());
        const { containment, evidence, host, toolSha256 } = plain.custody;
        const held = [
            ...containment!.interfaces.flatMap(({ networkInterfaceId, groupsBefore, groupsAfter }) => [
                networkInterfaceId,
                ...groupsBefore,
                ...groupsAfter,
            ]),
            containment!.restoreRecord.sha256,
            ...evidence.snapshots.flatMap((snapshot) =>
                [
                    snapshot.volumeId,
                    snapshot.sourceSnapshotId,
                    snapshot.sharedSnapshotId ?? [],
                    snapshot.evidenceSnapshotId,
                    snapshot.lock.mode,
                ].flat(),
            ),
            ...host.volumes.map(({ volumeId }) => volumeId),
            host.instanceId,
            toolSha256,
            "Amazon Linux 2023",
            "web-7f3a",
            plain.sha256("volume 1"),
            plain.sha256("volume 2"),
            plain.sha256("manifest"),
        ];
        for (const each of held) expect(page).to.contain(each);
    });

    it("states an unreplayed journal prominently, and only then", () => {
        const volumes = plain.summary.volumes.map((volume) => ({
            ...volume,
            fileSystems: volume.fileSystems.map((fileSystem) => ({ ...fileSystem, journalReplayed: false, reason: "not root" })),
        }));
        expect(renderReport(reportInput({ summary: { ...plain.summary, volumes } }))).to.contain(
            "Journal not replayed: the newest files may be missing",
        );
        expect(renderReport(reportInput())).to.not.contain("Journal not replayed");
        const [volume] = plain.summary.volumes;
        const fat = { ...volume!, fileSystems: [{ ...volume!.fileSystems[0]!, type: "vfat", journalReplayed: true }] };
        expect(renderReport(reportInput({ summary: { ...plain.summary, volumes: [fat] } }))).to.contain("has none</td>");
    });

    it("says a green yes to containment only where nothing speaks against it", () => {
        const input = reportInput();
        const containment = input.custody.containment!;
        const tile = (changes: Partial<typeof containment>) =>
            /<li class="status (\w+)"><p class="question">Contained\? <strong>([^<]*)<\/strong>/
                .exec(renderReport({ ...input, custody: { ...input.custody, containment: { ...containment, ...changes } } }))!
                .slice(1);
        const at = containment.startedAt;
        const failed = { name: "denyCredentials", outcome: "failed" as const, at, detail: "refused" };
        expect(tile({ uncut: [] })).to.deep.equal(["good", "Yes"]);
        expect(tile({ uncut: ["a NAT gateway"] })).to.deep.equal(["partly", "Yes, but not wholly"]);
        expect(tile({ uncut: [], steps: [...containment.steps, failed] })).to.deep.equal(["partly", "Yes, but not wholly"]);
        expect(tile({ contained: false })).to.deep.equal(["bad", "NO"]);
    });

    it("names on the first screen what could not be cut and what failed, as many as there is room for, and leads to the others", () => {
        const input = reportInput();
        const containment = input.custody.containment!;
        const verdictOf = (uncut: string[]) => {
            const failed = { name: "denyCredentials", outcome: "failed" as const, at: containment.startedAt, detail: "refused" };
            const changed = { ...containment, uncut, steps: [failed] };
            return renderReport({ ...input, custody: { ...input.custody, containment: changed } }).split('<nav aria-label="Contents">')[0]!;
        };
        const two = verdictOf(["NAT gateway nat-0a", "the <VPC>'s DNS resolver"]);
        for (const each of ["Failed: deny credentials", "Not cut: NAT gateway nat-0a", "Not cut: the &lt;VPC&gt;"])
            expect(two).to.contain(each);
        expect(two).to.not.contain('<a href="#containment">');
        const many = verdictOf(Array.from({ length: 30 }, (_, index) => `interface endpoint vpce-${index}`));
        expect(many.split("Not cut: ").length - 1).to.be.within(3, 6);
        expect(many).to.contain('and <a href="#containment">');
    });

    it("says of an indicator in which files it was seen, each a link to its finding, and that the alert names it", () => {
        const [indicators] = renderReport(reportInput(), undefined, null).split('<section id="indicators">').slice(1);
        const address = indicators!.split("203.0.113.44")[1]!.split("</tr>")[0]!;
        expect(address).to.match(/<a href="#f-[0-9a-f]{16}">\/[^<]+<\/a>/);
        expect(address).to.not.match(/\d findings/);
    });

    it("keeps without its program the accepted password that a thousand later events would push out", () => {
        const event = { until: null, count: 1, lane: "logs" as const, kind: "record", severity: null, finding: null };
        const events = [
            { ...event, at: "2026-11-20T03:00:00.000Z", lane: "log-ins" as const, message: "root logged in from 203.0.113.44" },
            ...Array.from({ length: 1000 }, (_, second) => ({
                ...event,
                at: new Date(Date.UTC(2026, 10, 20, 4) + second * 1000).toISOString(),
                message: `noise ${second}`,
            })),
        ];
        const page = renderReport({ ...reportInput(), timeline: { events, leftOut: 0, read: 1001, malformed: 0 } }, undefined, null);
        expect(page).to.contain("root logged in from 203.0.113.44").and.contain("Instance contained").and.contain("Incident opened");
        expect(page.split("noise ").length - 1).to.be.within(100, 200);
        expect(page).to.match(/200 of 1,0\d\d events: the response, and those that matter most/);
    });

    it("says of zero findings what was looked at", () => {
        const page = renderReport(reportInput({ summary: { ...plain.summary, findingsBySeverity: {} }, findings: "" }));
        expect(page)
            .to.contain("This says only that the checks saw nothing")
            .and.contain("40,121 files in 2 file systems on 2 volumes, by 12 checks");
    });

    it("has no script but ours, nothing external, and no markup that the data brought", () => {
        const page = renderReport(
            reportInput({
                custody: hostile.custody,
                summary: hostile.summary,
                findings: plain.lines(hostile.findings),
                timesketch: plain.lines(hostile.timesketch),
            }),
        );
        expect(tags(page).filter((tag) => !ownTags.test(tag))).to.deep.equal([]);
        expect(page).to.contain("default-src 'none'; style-src 'unsafe-inline'");
        expect(page).to.not.match(/<[^>]+\s(on\w+|src|srcset|action)\s*=/i);
        const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, target]) => target!);
        expect(links.length).to.be.above(10);
        expect(links.filter((target) => !target.startsWith("#"))).to.deep.equal([]);
        const [data, program, ...more] = [...page.matchAll(/<script[^>]*>([^]*?)<\/script>/g)].map(([, text]) => text!);
        expect(more).to.deep.equal([]);
        expect(data).to.match(/^[A-Za-z0-9+/=]+$/);
        const hash = createHash("sha256").update(program!).digest("base64");
        expect(page, "only this program may run").to.contain(`script-src &#39;sha256-${hash}&#39;; `);
    });

    it("stays bounded, and says what it leaves out, when a summary is enormous", () => {
        const checks = Array.from({ length: 20_000 }, (_, index) => ({
            check: `check ${index}`,
            itemsLookedAt: 1,
            findings: 0,
            error: "x".repeat(500),
        }));
        const page = renderReport(reportInput({ summary: { ...plain.summary, checks } }));
        expect(page.length).to.be.below(1_000_000);
        expect(page).to.contain("19,988 more reasons").and.contain("… and 19,500 more");
    });

    it("renders without containment, summary, findings and timeline", () => {
        const page = renderReport(
            reportInput({ custody: { ...plain.custody, containment: null }, summary: null, findings: null, timesketch: null }),
        );
        expect(page)
            .to.contain("Containment failed")
            .and.contain("Whether there are findings is not known")
            .and.contain("No conclusion can be drawn");
    });
});
