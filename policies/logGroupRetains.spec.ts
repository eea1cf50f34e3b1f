import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { logGroupRetains } from "./logGroupRetains";
import { judge, unknownString } from "./testing/engine";

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
});
