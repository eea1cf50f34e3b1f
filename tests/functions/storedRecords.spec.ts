/** What our functions stored and read again, cut off at every byte or changed: it is named with its place, and never taken for a whole one. */
import { expect } from "chai";
import fc from "fast-check";
import { z } from "zod";
import { containmentSchema, custodySchema } from "../../functions/domain/containers";
import { recordOf } from "../../functions/aws/incidentsTable";
import { readStored } from "../../functions/aws/stored";
import { Cloud } from "../support/cloud/cloud";
import { fixtureText, victim } from "./domain/messageFixtures";

const where = "s3://evidence/incidents/x/a.json";
/** Objects of an incident that a later step reads, and how. */
const schemas: Record<string, z.ZodType> = { "containment.json": containmentSchema, "custody.json": custodySchema };

describe("stored records", function () {
    this.timeout(120_000);
    /** JSON objects of a whole incident by their names, and the table's items. */
    const objects = new Map<string, string>();
    let items: [string, Record<string, { S?: string; N?: string }>][];
    const cloud = new Cloud();
    const watched = async (): Promise<unknown> => {
        try {
            return await cloud.clock.until(cloud.lambdas.call("watchContainment", {}));
        } catch (error) {
            return error;
        }
    };

    before(async () => {
        const second = "i-0a1b2c3d4e5f60719";
        cloud.member(victim.accountId, victim.instanceId).addInstance(victim.instanceId);
        cloud.members.get(victim.accountId)!.addInstance(second);
        cloud.install("2026-12-20T10:00:00.000Z");
        cloud.deliver("message-1", fixtureText("eventbridge"));
        cloud.deliver(
            "message-2",
            fixtureText("eventbridge")
                .replaceAll(victim.instanceId, second)
                .replace(/"id": ?"[0-9a-f]{32}"/g, `"id":"${"9".repeat(32)}"`),
        );
        await cloud.clock.until(cloud.quiet());
        for (const [key, text] of cloud.s3.objects)
            // A message is kept as it came, with whatever is behind its JSON.
            if (key.endsWith(".json") && !key.includes("/messages/")) objects.set(key.split("/").at(-1)!, text);
        items = [...cloud.table.items] as typeof items;
    });
    after(() => cloud.remove());

    /** @throws anything but what names the place and what to do */
    const refused = (read: () => unknown, place: string): boolean => {
        try {
            read();
            return false;
        } catch (error) {
            expect((error as Error).name).to.equal("StepFailed");
            expect((error as Error).message)
                .to.include(place)
                .and.include("cannot be read")
                .and.include("Look who changed it");
            return true;
        }
    };

    it("are of every kind that an incident leaves", () => {
        expect([...objects.keys()]).to.include.members([
            "containment.json",
            "custody.json",
            "restore-record.json",
            "victim-volumes.json",
            "analysis-command.json",
            "ticket.json",
        ]);
        expect(items.filter(([key]) => key.startsWith("containment#")).length).to.equal(2);
    });

    it("that end too early are refused, at whichever byte", () => {
        for (const [name, text] of objects) {
            const bytes = Buffer.from(text);
            // Every byte of the small ones, and every seventh of those that have hundreds of kilobytes.
            for (let end = 0; end < bytes.length; end += bytes.length > 20_000 ? 7 * 31 : 1)
                if (!refused(() => readStored(where, bytes.subarray(0, end), z.unknown()), where))
                    expect.fail(`${name} was read from its first ${end} bytes`);
        }
    });

    it("with bytes changed are refused, or still what the schema says", () => {
        for (const [name, schema] of Object.entries(schemas)) {
            const bytes = Buffer.from(objects.get(name)!);
            const change = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
            fc.assert(
                fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
                    const changed = Buffer.from(bytes);
                    for (const { at, byte } of changes) changed[at] = byte;
                    if (!refused(() => readStored(where, changed, schema), where))
                        expect(schema.safeParse(JSON.parse(changed.toString("utf8"))).success).to.equal(true);
                }),
                { numRuns: 300 },
            );
        }
    });

    it("of the incidents table say which item and which part of it", () => {
        const [key, item] = items.find(([name]) => name.startsWith("incident#"))!;
        for (const part of ["incident", "findings"]) {
            const text = item[part]!.S!;
            for (let end = 0; end < text.length; end += 3)
                expect(
                    refused(
                        () => recordOf({ ...item, pk: { S: key }, [part]: { S: text.slice(0, end) } } as never),
                        `${part} of the item ${key}`,
                    ),
                ).to.equal(true);
        }
        expect(refused(() => recordOf({ ...item, pk: { S: key }, status: { S: "gone" } } as never), key)).to.equal(true);
    });

    it("that are damaged take no other with them: the watch looks at the rest, and its error names the one", async () => {
        const standing = items.filter(([key]) => key.startsWith("containment#"));
        const [[key, item]] = standing as [(typeof standing)[number]];
        const whole = item.containment!.S!;
        cloud.table.items.set(key, { ...item, containment: { S: whole.slice(0, whole.length / 2) } } as never);
        const before = cloud.made.length;
        const error = (await watched()) as Error;
        expect(error.message).to.include("1 of 2 containments could not be looked at").and.include(key);
        const other = standing[1]![0].split("/").at(-1)!;
        expect(JSON.stringify(cloud.made.slice(before).map(({ input }) => input))).to.include(other);
        cloud.table.items.set(key, item as never);
        expect(await watched()).to.deep.equal({ standing: 2, looked: 2 });
    });
});
