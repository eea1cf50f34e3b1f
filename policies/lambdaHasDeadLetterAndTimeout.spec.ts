import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { lambdaHasDeadLetterAndTimeout } from "./lambdaHasDeadLetterAndTimeout";
import { judge, unknownString, type Declared } from "./testing/engine";

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

    it("leaves a queue that is given by an apply to the update, which knows it", async () => {
        expect(await violations({ ...good, deadLetterConfig: unknownString })).to.be.empty;
    });

    for (const deadLetterConfig of [undefined, {}, { targetArn: "" }]) {
        it(`refuses deadLetterConfig = ${JSON.stringify(deadLetterConfig)}`, async () => {
            const messages = await violations({ ...good, deadLetterConfig });
            expect(messages).to.have.length(1);
            expect(messages[0]).to.include(`Lambda function "isolate" has deadLetterConfig`);
        });
    }

    it("accepts a failure destination in place of a dead-letter queue, by reference and by name", async () => {
        const bare: Declared = { is: aws.lambda.Function, name: "isolate", props: { timeout: 60, name: "isolate-instance" } };
        const config = (props: object, refs = {}): Declared => ({
            is: aws.lambda.FunctionEventInvokeConfig,
            name: "config",
            props: { destinationConfig: { onFailure: { destination: unknownString } }, ...props },
            refs,
        });
        const found = async (...stack: Declared[]): Promise<string[]> => (await judge(lambdaHasDeadLetterAndTimeout, stack)).violations;
        expect(await found(bare, config({ functionName: unknownString }, { functionName: ["isolate"] }))).to.be.empty;
        expect(await found(bare, config({ functionName: "arn:aws:lambda:eu-west-1:111111111111:function:isolate-instance" }))).to.be.empty;
        expect(await found(bare, config({ functionName: "another" }))).to.have.length(1);
        expect(
            await found(
                bare,
                config({ functionName: "isolate-instance", destinationConfig: { onSuccess: { destination: unknownString } } }),
            ),
        ).to.have.length(1);
    });

    it("refuses a function that may not run, and asks for concurrency and tracing where the configuration does", async () => {
        expect(await violations({ ...good, reservedConcurrentExecutions: 0 })).to.have.length(1);
        const asked = async (props: object): Promise<string[]> =>
            (
                await judge(lambdaHasDeadLetterAndTimeout, [{ is: aws.lambda.Function, name: "isolate", props }], {
                    requireReservedConcurrency: true,
                    requireTracing: true,
                })
            ).violations;
        expect(await asked(good)).to.have.length(2);
        expect(await asked({ ...good, reservedConcurrentExecutions: 10, tracingConfig: { mode: "Active" } })).to.be.empty;
    });
});
