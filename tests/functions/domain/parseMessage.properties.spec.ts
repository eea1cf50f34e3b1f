import { expect } from "chai";
import fc from "fast-check";
import { findingSchema } from "../../../functions/domain/containers";
import { parseMessage } from "../../../functions/domain/parseMessage";
import { findingWith, fixture, fixtureNames, fixtureText } from "./messageFixtures";

/** What must hold of the result for any message at all. */
function expectSound(message: unknown): void {
    const result = parseMessage(message);
    for (const finding of result.findings) expect(findingSchema.parse(finding)).to.deep.equal(finding);
    const instances = result.findings.flatMap((finding) => finding.instances);
    if (result.outcome === "incident") {
        expect(instances).to.not.be.empty;
    } else {
        expect(instances).to.be.empty;
        expect(result.reason).to.match(/\S/);
        expect(result.reason.length).to.be.at.most(2000);
    }
}

/** Every node of a document as a path of keys. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
    if (typeof value !== "object" || value === null) return [path];
    return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

/** The document with what stands at the path replaced, or taken away for undefined. */
function replaced(value: unknown, path: string[], replacement: unknown): unknown {
    if (path.length === 0) return replacement;
    const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
    copy[path[0]] = replaced(copy[path[0]], path.slice(1), replacement);
    return copy;
}

/** The document with every key rewritten, but for the names of tags, which are somebody's data. */
function mapKeys(value: unknown, rewrite: (key: string) => string): unknown {
    if (Array.isArray(value)) return value.map((item) => mapKeys(item, rewrite));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [rewrite(key), key.toLowerCase() === "tags" ? inner : mapKeys(inner, rewrite)]),
    );
}

/** One change of a document's grammar at a path: what other tools, versions and hands make of a finding. */
type Mutation = { kind: "remove" | "null" | "retype" | "rename" | "wrap" | "graft"; at: number; value: unknown };

/** Names that fields have in one of the formats, so that a renamed field means something elsewhere. */
const fieldNames = [
    ...["instanceId", "InstanceId", "resource", "resources", "Resources", "Id", "uid", "type", "Type", "Types", "detail", "findings"],
    ...["accountId", "AwsAccountId", "account", "region", "Region", "service", "severity", "Severity", "finding_info", "cloud", "metadata"],
    ...["ProductArn", "instanceDetails", "instance_id", "sequence", "data", "Records", "Message", "body", "sample", "constructor"],
];

const mutation: fc.Arbitrary<Mutation> = fc.record({
    kind: fc.constantFrom("remove", "null", "retype", "rename", "wrap", "graft"),
    at: fc.nat(),
    value: fc.oneof(fc.constantFrom("", "i-0a1b2c3d", "222222222222", 0, -1, 1e308, true, [], {}, [null], [[]]), fc.jsonValue()),
});

/** Applies it. A graft puts a part of another message in the place. */
function mutated(document: unknown, { kind, at, value }: Mutation, other: unknown): unknown {
    const paths = pathsOf(document);
    const path = paths[at % paths.length]!;
    const there = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], document);
    if (kind === "remove") return replaced(document, path, undefined);
    if (kind === "null") return replaced(document, path, null);
    if (kind === "wrap") return replaced(document, path, at % 2 === 0 ? [there] : JSON.stringify(there));
    if (kind === "graft") {
        const others = pathsOf(other);
        const taken = others[at % others.length]!.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], other);
        return replaced(document, path, taken);
    }
    if (kind === "rename" && path.length > 0) {
        const renamed = [...path.slice(0, -1), fieldNames[at % fieldNames.length]!];
        return replaced(replaced(document, path, undefined), renamed, there);
    }
    if (typeof there === "number") return replaced(document, path, String(there));
    return replaced(document, path, typeof there === "string" ? { value: there } : value);
}

const readable = fixtureNames().filter((name) => name !== "malformed");

/** Ways in which AWS hands one message on. */
const deliveries: Record<string, (message: unknown) => unknown> = {
    "SNS to Lambda": (message) => ({ Records: [{ EventSource: "aws:sns", Sns: { MessageId: "m", Message: JSON.stringify(message) } }] }),
    "SNS to SQS": (message) => ({ Type: "Notification", MessageId: "m", Message: JSON.stringify(message) }),
    "SQS to Lambda": (message) => ({ Records: [{ eventSource: "aws:sqs", body: JSON.stringify(message) }] }),
    "a list": (message) => [message],
    text: (message) => JSON.stringify(message),
};

describe("parseMessage, for any message", () => {
    it("never throws and gives a sound result for any text", () => {
        fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), expectSound), { numRuns: 500 });
    });

    it("never throws and gives a sound result for any value, readable as JSON or not", () => {
        fc.assert(
            fc.property(
                fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
                expectSound,
            ),
            { numRuns: 500 },
        );
        const ring: Record<string, unknown> = {};
        ring.detail = ring;
        for (const value of [ring, undefined, () => 1, Symbol("s"), "[".repeat(200_000), `${"[".repeat(200_000)}${"]".repeat(200_000)}`])
            expectSound(value);
        expectSound(`{"type":"a","accountId":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
    });

    it("stays sound when anything in a real message is replaced", () => {
        const documents = readable.map((name) => ({ document: fixture(name), paths: pathsOf(fixture(name)) }));
        const mutations = fc.record({
            document: fc.constantFrom(...documents),
            at: fc.nat(),
            value: fc.oneof(
                fc.constant(undefined),
                fc.constantFrom("", "null", "false", "i-99999999", 0, -1, 1e308, {}, [], [[]], null, true),
                fc.anything(),
            ),
        });
        fc.assert(
            fc.property(mutations, ({ document, at, value }) => {
                expectSound(replaced(document.document, document.paths[at % document.paths.length], value));
            }),
            { numRuns: 2000 },
        );
    });

    it("names no instance, account or Region that the message does not, however its grammar is changed", () => {
        const documents = readable.map((name) => fixture(name));
        let incidents = 0;
        fc.assert(
            fc.property(
                fc.constantFrom(...documents),
                fc.constantFrom(...documents),
                fc.array(mutation, { minLength: 1, maxLength: 4 }),
                (document, other, mutations) => {
                    const message = mutations.reduce<unknown>((before, each) => mutated(before, each, other), document);
                    expectSound(message);
                    const text = JSON.stringify(message) ?? "";
                    const { findings } = parseMessage(message, { follows: () => true });
                    for (const { instanceId, accountId, region } of findings.flatMap(({ instances }) => instances)) {
                        incidents++;
                        // Whole, as an id of 8 digits is the beginning of many longer ones.
                        expect(text).to.match(new RegExp(`${instanceId}(?![0-9a-f])`));
                        expect(text).to.contain(accountId).and.contain(region);
                    }
                },
            ),
            { numRuns: 2000 },
        );
        // Most single changes leave a finding one, so the property was about something.
        expect(incidents).to.be.greaterThan(300);
    });

    it("stays sound when the text of a real message is cut or overwritten", () => {
        fc.assert(
            fc.property(fc.constantFrom(...readable), fc.nat(), fc.string({ maxLength: 5 }), (name, at, text) => {
                const whole = fixtureText(name);
                const cut = at % whole.length;
                expectSound(whole.slice(0, cut));
                expectSound(whole.slice(0, cut) + text + whole.slice(cut + text.length));
            }),
            { numRuns: 300 },
        );
    });

    it("has the same verdict whatever the case of each key", () => {
        fc.assert(
            fc.property(fc.constantFrom(...readable), fc.infiniteStream(fc.boolean()), (name, upper) => {
                const recased = mapKeys(
                    fixture(name),
                    (key) => (upper.next().value ? key.charAt(0).toUpperCase() : key.charAt(0).toLowerCase()) + key.slice(1),
                );
                expect(parseMessage(recased)).to.deep.equal(parseMessage(fixture(name)));
            }),
            { numRuns: 500 },
        );
    });

    it("has the same verdict whatever delivers the message", () => {
        fc.assert(
            fc.property(
                fc.constantFrom(...readable),
                fc.array(fc.constantFrom(...Object.values(deliveries)), { maxLength: 3 }),
                (name, wraps) => {
                    const delivered = wraps.reduce<unknown>((message, wrap) => wrap(message), fixture(name));
                    expect(parseMessage(delivered)).to.deep.equal(parseMessage(fixture(name)));
                },
            ),
            { numRuns: 300 },
        );
    });

    it("never makes an incident of an instance beside another kind of resource", () => {
        const kind = fc
            .oneof(
                fc.constantFrom("AccessKey", "S3Bucket", "EKSCluster", "ECSCluster", "Container", "Lambda", "RDSDBInstance", "EBSSnapshot"),
                fc.string(),
            )
            .filter((text) => text !== "" && !/^((aws)?(ec2)?instance|attacksequence)$/i.test(text.replace(/[^a-z0-9]/gi, "")));
        const type = fc.constantFrom(
            "Recon:EC2/Portscan",
            "Execution:Runtime/NewBinaryExecuted",
            "Exfiltration:S3/AnomalousBehavior",
            "UnauthorizedAccess:IAMUser/TorIPCaller",
        );
        fc.assert(
            fc.property(kind, type, (resourceType, findingType) => {
                expect(parseMessage(findingWith({ "resource.resourceType": resourceType, type: findingType })).outcome).to.equal("refused");
            }),
            { numRuns: 300 },
        );
    });
});
