import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { parseMessage } from "../../functions/domain/parseMessage";
import { builtInFinding, deliveryOf, loadFinding, pointAtVictim } from "../../rehearsal/finding";
import { InputError } from "../../rehearsal/options";

const victim = { instanceId: "i-0bbbbbbbbbbbbbbbb", accountId: "333333333333", region: "us-west-2" };

describe("the finding of a rehearsal", () => {
    let folder: string;
    const file = async (name: string, content: string) => {
        await writeFile(path.join(folder, name), content);
        return path.join(folder, name);
    };
    const refused = async (name: string) =>
        loadFinding(path.join(folder, name)).then(
            () => expect.fail("was accepted"),
            (error: unknown) => {
                expect(error).to.be.instanceOf(InputError);
                return (error as Error).message;
            },
        );
    before(async () => {
        folder = await mkdtemp(path.join(tmpdir(), "finding-"));
    });
    after(() => rm(folder, { recursive: true }));

    it("is one the program follows when it is the built-in one", async () => {
        const loaded = await loadFinding(builtInFinding);
        expect(loaded.refusal).to.equal(null);
        expect(loaded.findings[0]!.instances).to.have.length(1);
    });

    it("is pointed at the victim everywhere it names the instance, the account and the Region", async () => {
        const loaded = await loadFinding(builtInFinding);
        const pointed = pointAtVictim(JSON.parse(loaded.text), loaded.findings, victim);
        const parsed = parseMessage(pointed);
        expect(parsed.outcome).to.equal("incident");
        expect(parsed.findings[0]!.instances).to.deep.equal([victim]);
        expect(JSON.stringify(pointed)).to.not.match(/i-0aa11bb22cc33dd44|222222222222|eu-west-1[^a-z]/);
    });

    it("keeps what is not about the instance", async () => {
        const loaded = await loadFinding(builtInFinding);
        const pointed = pointAtVictim(JSON.parse(loaded.text), loaded.findings, victim) as {
            detail: { id: string; severity: number; service: { count: number } };
        };
        expect(pointed.detail).to.deep.include({ id: "7ac1f0b2c3d4e5f60718293a4b5c6d7e", severity: 8 });
        expect(pointed.detail.service.count).to.equal(12);
    });

    it("comes in by the event bus, as GuardDuty puts it, in an envelope or bare", async () => {
        const event = JSON.parse((await loadFinding(builtInFinding)).text) as { detail: unknown };
        const asEvent = deliveryOf(event, false);
        expect(asEvent).to.deep.equal({
            door: "event-bus",
            source: "aws.guardduty",
            detailType: "GuardDuty Finding",
            detail: event.detail,
        });
        expect(deliveryOf(event.detail, false)).to.deep.equal(asEvent);
    });

    it("comes in by the topic when it is refused, or a message that no event rule carries", () => {
        expect(deliveryOf("{ not JSON", true)).to.deep.equal({ door: "topic", text: "{ not JSON" });
        expect(deliveryOf({ source: "aws.guardduty", detail: {} }, true).door).to.equal("topic");
        expect(deliveryOf({ instanceId: "i-0bbbbbbbbbbbbbbbb" }, false)).to.deep.equal({
            door: "topic",
            text: '{"instanceId":"i-0bbbbbbbbbbbbbbbb"}',
        });
    });

    it("is refused with the reason when it is not JSON, or about a bucket", async () => {
        expect((await loadFinding(await file("broken.json", '{ "detail": '))).refusal).to.match(/JSON/);
        const bucket = {
            source: "aws.guardduty",
            "detail-type": "GuardDuty Finding",
            detail: {
                id: "1",
                type: "Policy:S3/BucketAnonymousAccessGranted",
                accountId: "222222222222",
                region: "eu-west-1",
                severity: 8,
                resource: { resourceType: "S3Bucket", s3BucketDetails: [{ name: "b" }] },
                service: {},
            },
        };
        expect((await loadFinding(await file("bucket.json", JSON.stringify(bucket)))).refusal).to.match(/S3Bucket/);
    });

    it("has to be a file, and no larger than SNS and EventBridge take", async () => {
        expect(await refused("missing.json")).to.match(/missing\.json cannot be read: ENOENT/);
        expect(await refused(".")).to.match(/not a file/);
        await file("large.json", " ".repeat(256 * 1024 + 1));
        expect(await refused("large.json")).to.match(/262145 bytes.*262144/);
    });
});
