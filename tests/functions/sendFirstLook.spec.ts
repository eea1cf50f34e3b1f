import { expect } from "chai";
import { firstLookToldSchema, handler, permissions } from "../../functions/sendFirstLook";
import { checkSlackPayload } from "../../functions/domain/channels/slack/limits";
import * as plain from "../fixtures/analysis/plain";
import { deployedNames } from "../fixtures/analysis/deployedNames";
import { startNotifyingAws, type NotifyingAws } from "../support/aws/notifyingAws";

const at = (name: string): string => `${plain.prefix}${name}`;
const key = at(`${plain.custody.resultsPrefix}first-look.json`);
const marker = at("report/first-look-told.json");
const look = {
    schemaVersion: 1,
    stage: "first-look",
    incidentId: plain.incidentId,
    startedAt: "2026-11-20T03:49:01Z",
    at: "2026-11-20T03:49:44Z",
    seconds: 43,
    operatingSystem: { name: "Amazon Linux", version: "2023", hostname: "web-7f3a" },
    findingsBySeverity: { critical: 1, high: 4, medium: 2, low: 1, informational: 0 },
    findings: plain.findings,
    notLookedAt: [],
};

describe("sendFirstLook", () => {
    let fake: NotifyingAws;
    beforeEach(async () => {
        fake = await startNotifyingAws();
        fake.objects.set(key, JSON.stringify(look));
        fake.objects.set(at("custody.json"), JSON.stringify(plain.custody));
    });
    afterEach(() => fake.stop());
    const text = () => JSON.stringify(fake.slack.payloads);

    it("tells once whether it is real, what it means, the gravest findings and what still runs, and marks it last", async () => {
        await handler(fake.event(key));
        await handler(fake.event(key));
        expect(fake.slack.payloads.flatMap(checkSlackPayload)).to.deep.equal([]);
        expect(fake.slack.payloads).to.have.length(1);
        expect(text())
            .to.contain("First look: signs of compromise")
            .and.contain("they show a coin miner")
            .and.contain("Root reached – observed")
            .and.contain("Credentials read – inferred")
            .and.contain("Data taken – unknown")
            .and.contain("/etc/ld.so.preload")
            .and.contain("not verified");
        expect(fake.written).to.deep.equal([marker]);
        expect(firstLookToldSchema.parse(JSON.parse(fake.objects.get(marker)!))).to.deep.include({
            seconds: 43,
            told: ["slack"],
        });
    });

    it("names the case with AWS, the findings that joined, what we did and what could not be cut", async () => {
        const joined = { ...plain.custody.findings[0], id: "0ther", type: "Recon:EC2/Portscan", severity: 5, sample: false };
        const seen = { origin: "securityhub", updatedAt: null, mode: "observe", seenAt: "2026-11-20T04:00:00.000Z" };
        fake.objects.set(at("custody.json"), JSON.stringify({ ...plain.custody, findings: [{ ...joined, ...seen }] }));
        const ticket = {
            schemaVersion: 1,
            incidentId: plain.incidentId,
            outcome: "opened",
            caseId: "case-222-2026-1",
            displayId: "1234567890",
        };
        fake.objects.set(at("ticket.json"), JSON.stringify({ ...ticket, reason: null, at: look.at }));
        await handler(fake.event(key));
        expect(fake.slack.payloads.flatMap(checkSlackPayload)).to.deep.equal([]);
        for (const each of ["case-222-2026-1", "Recon:EC2/Portscan", "What we did: The instance is contained", "vpce-0123456789abcdef0"])
            expect(text()).to.contain(each);
    });

    const anomalies = () =>
        fake.written
            .filter((each) => /errors\/SendFirstLook\.[0-9a-f]{16}\.error\.json$/.test(each))
            .map((each) => JSON.parse(fake.objects.get(each)!) as { error: string; cause: string });

    it("believes nothing of a host that this incident's analysis was not sent to, and tells of it once as of an anomaly", async () => {
        const foreign = at("analysis/AROAEXAMPLEID:i-0bad0bad0bad0bad0/first-look.json");
        fake.objects.set(foreign, fake.objects.get(key)!);
        for (let times = 0; times < 2; times++) await handler(fake.event(foreign));
        expect(fake.slack.payloads, "what it says is told to nobody").to.deep.equal([]);
        expect(fake.written).to.have.length(1);
        expect(anomalies()[0]!.error).to.equal("ForeignResults");
        expect(anomalies()[0]!.cause).to.include("i-0bad0bad0bad0bad0").and.include("forged").and.include(plain.custody.resultsPrefix);
        await handler(fake.event(key));
        expect(fake.slack.payloads, "the real one is told all the same").to.have.length(1);
    });

    it("takes one that comes before any analysis was sent for forged", async () => {
        fake.objects.delete(at("custody.json"));
        await handler(fake.event(key));
        expect(fake.slack.payloads).to.deep.equal([]);
        expect(anomalies()[0]!.cause).to.include("none was sent yet");
    });

    it("tells of each round once, and says which it is", async () => {
        const prefix = "analysis/AROAEXAMPLEID:i-0f0e0d0c0b0a09082/";
        const custody = {
            ...plain.custody,
            evidence: { ...plain.custody.evidence, rounds: 2 },
            furtherRounds: [{ host: { ...plain.custody.host, round: 2 }, resultsPrefix: prefix }],
        };
        fake.objects.set(at("custody.json"), JSON.stringify(custody));
        fake.objects.set(at(`${prefix}first-look.json`), fake.objects.get(key)!);
        for (const each of [key, at(`${prefix}first-look.json`), key, at(`${prefix}first-look.json`)]) await handler(fake.event(each));
        expect(fake.written).to.deep.equal([marker, at("report/first-look-told.round-2.json")]);
        expect(fake.slack.payloads).to.have.length(2);
        expect(text()).to.contain("round 1 of 2").and.contain("round 2 of 2");
    });

    it("comes too late once the report was sent, and never answers its own mark", async () => {
        const report = {
            schemaVersion: 1,
            incidentId: plain.incidentId,
            page: { bucket: fake.bucket, key: at("report/report.html"), sha256: "0".repeat(64) },
            complete: true,
            intact: true,
            findingsBySeverity: {},
            manifestSha256: "0".repeat(64),
            results: [{ resultsPrefix: plain.custody.resultsPrefix, sha256: "0".repeat(64) }],
            at: "2026-11-20T04:00:00.000Z",
        };
        fake.objects.set(at("report/edition-2/report.json"), JSON.stringify(report));
        await handler(fake.event(key));
        await handler(fake.event(marker));
        expect([fake.written, fake.slack.payloads]).to.deep.equal([[], []]);
    });

    it("tells what can be understood of it, and how much cannot", async () => {
        fake.objects.set(key, JSON.stringify({ ...look, findings: [...plain.findings, { id: 7 }, null] }));
        await handler(fake.event(key));
        expect(text()).to.contain("2 findings of the first look could not be understood");
    });

    it("says that something failed where it is no first look, or another incident's", async () => {
        for (const body of ["{", JSON.stringify({ ...look, incidentId: "i-0ffffffffffffffff-0000000000000000" })]) {
            fake.s3.written.length = 0;
            fake.objects.delete(at("errors/SendFirstLook.error.json"));
            fake.objects.set(key, body);
            await handler(fake.event(key)).then(
                () => expect.fail("it was expected to fail"),
                (error: Error) => expect(error.name).to.equal("StepFailed"),
            );
            expect(fake.written).to.deep.equal([at("errors/SendFirstLook.error.json")]);
        }
    });

    it("is tried again while Slack is down", async () => {
        fake.slack.answers.push({ status: 503 });
        await handler(fake.event(key)).then(
            () => expect.fail("it was expected to fail"),
            (error: Error) => expect(error.name).to.equal("Transient"),
        );
        expect(fake.written).to.deep.equal([]);
        await handler(fake.event(key));
        expect(fake.written).to.deep.equal([marker]);
    });

    it("may write its mark and its error records, and nothing else", () => {
        expect(
            permissions(deployedNames)
                .filter(({ Action }) => Action.includes("s3:PutObject"))
                .flatMap(({ Resource }) => Resource),
        ).to.deep.equal([
            "arn:aws:s3:::evidence/incidents/*/custody/log/*",
            "arn:aws:s3:::evidence/incidents/*/report/first-look-told*",
            "arn:aws:s3:::evidence/incidents/*/errors/SendFirstLook.error.json",
            "arn:aws:s3:::evidence/incidents/*/errors/SendFirstLook.*.error.json",
        ]);
    });
});
