import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { lambdaHasDeadLetterAndTimeout } from "./lambdaHasDeadLetterAndTimeout";
import { judge, unknownString } from "./testing/engine";

const good = { timeout: 60, deadLetterConfig: { targetArn: unknownString } };
const violations = async (props: object): Promise<string[]> =>
    (await judge(lambdaHasDeadLetterAndTimeout, [{ is: aws.lambda.Function, name: "isolate", props }])).violations;

describe("policy lambda-has-dead-letter-and-timeout", () => {
    it("accepts a time limit and a queue that is made in the same run", async () => {
        expect(await violations(good)).to.be.empty;
    });

    for (const timeout of [undefined, 0, 901, unknownString]) {
        it(`refuses timeout = ${timeout === unknownString ? "unknown" : timeout}`, async () => {
            expect(await violations({ ...good, timeout })).to.have.length(1);
        });
    }

    for (const deadLetterConfig of [undefined, {}, { targetArn: "" }]) {
        it(`refuses deadLetterConfig = ${JSON.stringify(deadLetterConfig)}`, async () => {
            const messages = await violations({ ...good, deadLetterConfig });
            expect(messages).to.have.length(1);
            expect(messages[0]).to.include(`Lambda function "isolate" has deadLetterConfig`);
        });
    }
});
