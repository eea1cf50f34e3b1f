import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { logGroupRetains } from "./logGroupRetains";
import { throwOnUnknown } from "./lib/unknown";
import { judge, unknownString, type Declared } from "./testing/engine";

const violations = async (retentionInDays: unknown): Promise<string[]> =>
    (await judge(logGroupRetains, [{ is: aws.cloudwatch.LogGroup, name: "flow", props: { retentionInDays } }])).violations;

describe("policy log-group-retains", () => {
    it("accepts 30 days and a year", async () => {
        expect([...(await violations(30)), ...(await violations(365))]).to.be.empty;
    });

    for (const [what, days] of [
        ["for ever, by default", undefined],
        ["for ever, as 0", 0],
        ["a day", 1],
        ["a number that is not known", unknownString],
    ]) {
        it(`refuses ${what}`, async () => {
            const messages = await violations(days);
            expect(messages).to.have.length(1);
            expect(messages[0]).to.include(`Log group "flow"`).and.to.include("at least 30");
        });
    }

    it("refuses a function without a log group of the program", async () => {
        const owner: Declared = { is: aws.lambda.Function, name: "isolate", props: { name: "isolate-instance" } };
        const group = (name: string, refs = {}): Declared => ({
            is: aws.cloudwatch.LogGroup,
            name: "logs",
            props: { name, retentionInDays: 90 },
            refs,
        });
        const found = async (...stack: Declared[]): Promise<string[]> => (await judge(logGroupRetains, stack)).violations;
        expect(await found(owner)).to.have.length(1);
        expect(await found(owner, group("/aws/lambda/another"))).to.have.length(1);
        expect(await found(owner, group("/aws/lambda/isolate-instance"))).to.be.empty;
        expect(await found(owner, group(unknownString, { name: ["isolate"] }))).to.be.empty;
        expect(await found({ ...owner, props: { loggingConfig: { logFormat: "JSON", logGroup: "/clean-room/functions" } } })).to.be.empty;
    });

    it("takes the number of days from its configuration", async () => {
        const month: Declared = { is: aws.cloudwatch.LogGroup, name: "flow", props: { retentionInDays: 30 } };
        expect((await judge(logGroupRetains, [month], { leastDays: 90 })).violations.join()).to.include("at least 90");
    });

    it("gives a number of days to a group that has none, where it remediates, and changes nobody's number", async () => {
        const remedied = async (props: object): Promise<unknown> =>
            logGroupRetains.remediateResource?.({
                props: throwOnUnknown(props),
                isType: () => true,
                getConfig: () => ({ leastDays: 90 }),
            } as unknown as Parameters<NonNullable<typeof logGroupRetains.remediateResource>>[0]);
        expect(await remedied({ name: "flow" })).to.deep.equal({ name: "flow", retentionInDays: 90 });
        expect(await remedied({ name: "flow", retentionInDays: 0 })).to.include({ retentionInDays: 90 });
        expect(await remedied({ name: "flow", retentionInDays: 7 })).to.equal(undefined);
    });
});
