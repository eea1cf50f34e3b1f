import { expect } from "chai";
import type { ApiCall } from "../../../rehearsal/callLog";
import { readinessSession } from "../../../functions/domain/readiness/session";
import { countCalls } from "../../../rehearsal/estate/callOrigins";

const session = (account: string, role: string, name: string) => `arn:aws:sts::${account}:assumed-role/${role}/${name}`;
const call = (principal: string, region: string, service = "ec2", account = "222222222222"): ApiCall => ({
    time: "",
    startedAt: "",
    account,
    region,
    service,
    operation: "X",
    principal,
    status: 200,
});
const victims = [{ incidentId: "i-1-abc", instance: { instanceId: "i-1", accountId: "222222222222", region: "eu-central-1" } }];
const count = (...log: ApiCall[]) => countCalls(log, ["eu-west-1", "eu-central-1"], victims);

describe("origins of calls", () => {
    it("of a responder session are its incident's", () => {
        const [one] = count(
            call(session("222222222222", "clean-room-responder", "i-1-abc"), "us-east-1", "iam"),
            call(session("222222222222", "clean-room-responder", "i-1-abc"), "us-east-1", "iam"),
        );
        expect(one).to.deep.include({
            home: { region: "eu-central-1", accountId: "222222222222" },
            incidentId: "i-1-abc",
            region: "us-east-1",
            service: "iam",
            calls: 2,
        });
    });

    it("of a readiness check are those of the Region that looks, whose session says so", () => {
        const inMember = (region: string) => call(session("222222222222", "clean-room-responder", readinessSession(region)), region);
        expect(
            count(inMember("eu-west-1"), inMember("eu-central-1"), inMember("us-east-2")).map(({ home, incidentId }) => [home, incidentId]),
        ).to.deep.equal([
            [{ region: "eu-west-1", accountId: "222222222222" }, null],
            [{ region: "eu-central-1", accountId: "222222222222" }, null],
            [null, null],
        ]);
        // IAM: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        for (const region of ["eu-west-1", "ap-northeast-3", "us-gov-west-1"])
            expect(readinessSession(region)).to.match(/^[\w+=,.@-]{2,64}$/);
    });

    it("of a function and a forensic instance are their role's", () => {
        const homes = count(
            call(session("111111111111", "clean-room-openTicket-eu-west-1", "x"), "eu-west-1"),
            call(session("111111111111", "clean-room-forensic-instance-eu-central-1", "i-9"), "eu-west-1"),
        ).map(({ home }) => home);
        expect(homes).to.deep.equal([
            { region: "eu-west-1", accountId: "111111111111" },
            { region: "eu-central-1", accountId: "111111111111" },
        ]);
    });

    it("are unknown of who belongs to no Region, and root's are the rehearsal's own", () => {
        for (const principal of [
            session("222222222222", "clean-room-responder", "i-2-abc"),
            session("111111111111", "clean-room-openTicket-us-east-2", "x"),
            session("111111111111", "other-eu-west-1", "x"),
            "AKIA",
            "anonymous",
        ]) {
            expect(
                count(call(principal, "eu-west-1")).map(({ home }) => home),
                principal,
            ).to.deep.equal([null]);
        }
        expect(count(call("arn:aws:iam::222222222222:root", "eu-west-1"), call("222222222222", "eu-west-1"))).to.deep.equal([]);
    });

    it("are counted apart by where the calls went", () => {
        const principal = session("111111111111", "clean-room-openTicket-eu-west-1", "x");
        expect(count(call(principal, "eu-west-1"), call(principal, "eu-central-1"), call(principal, "eu-west-1", "s3"))).to.have.length(3);
    });
});
