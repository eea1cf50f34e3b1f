import { expect } from "chai";
import { WaitError } from "../../rehearsal/waitError";
import { until } from "../../rehearsal/watch";

describe("waiting", () => {
    it("ends with the first answer", async () => {
        const answers = [null, undefined, 0, 1];
        expect(await until("a number", async () => answers.shift(), Date.now() + 5_000)).to.equal(0);
        expect(answers).to.deep.equal([1]);
    });

    it("asks once more at the deadline, then says what it waited for and what was seen", async () => {
        let asked = 0;
        const waiting = until(
            "the report",
            async () => {
                asked += 1;
                return null;
            },
            Date.now() - 1,
            async () => "The queue holds one message.",
        );
        const error = await waiting.then(
            () => expect.fail("ended"),
            (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(WaitError);
        expect((error as WaitError).message).to.equal("Waited in vain for the report. The queue holds one message.");
        expect(asked).to.equal(1);
    });

    it("ends with an error of the question", async () => {
        const error = await until(
            "the report",
            async () => {
                throw new Error("no connection");
            },
            Date.now() + 5_000,
        ).then(
            () => expect.fail("ended"),
            (reason: Error) => reason,
        );
        expect(error.message).to.equal("no connection");
    });
});
