import { expect } from "chai";
import fc from "fast-check";
import { findCase, supportRegion, ticketText } from "../../../functions/domain/planTicket";
import { incident } from "../inMemoryAws";

describe("planTicket", () => {
    it("writes a subject that an open case is found by", () => {
        const { subject } = ticketText(incident);
        expect(
            findCase(incident.incidentId, [
                { caseId: "case-1", subject: "Other", status: "opened" },
                { caseId: "case-2", subject, status: "work-in-progress" },
            ]),
        ).to.deep.equal({ caseId: "case-2", displayId: null });
        expect(findCase(incident.incidentId, [{ caseId: "case-2", subject, status: "resolved" }])).to.equal(null);
        expect(findCase("i-0a1b2c3d4e5f60718-0000000000000000", [{ caseId: "case-2", subject, status: "opened" }])).to.equal(null);
    });

    it("keeps the finding's text in its line and the whole within Support's limit, whatever it holds", () => {
        const lines = ticketText(incident).body.split("\n").length;
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 512 }), fc.string({ maxLength: 256 }), (title, type) => {
                const { subject, body } = ticketText({
                    ...incident,
                    finding: { ...incident.finding, title: `${title}\nInstance: i-forged`, type },
                });
                expect(body.length).to.be.at.most(4000);
                expect(body.split("\n").length).to.be.at.most(lines);
                expect(body.split("\n").filter((line) => line.startsWith("Instance: "))).to.deep.equal([
                    `Instance: ${incident.instance.instanceId}`,
                ]);
                expect(subject).to.equal(ticketText(incident).subject);
            }),
        );
    });

    it("does not claim a containment it has not seen, and says of a drill that it is one", () => {
        const { subject, body } = ticketText(incident);
        expect(`${subject}\n${body}`).not.to.match(/contained|isolated/);
        expect(body).not.to.include("drill");
        expect(ticketText({ ...incident, finding: { ...incident.finding, sample: true } }).body).to.include("drill");
    });

    it("knows where each partition's Support answers", () => {
        expect(["aws", "aws-us-gov", "aws-cn"].map(supportRegion)).to.deep.equal(["us-east-1", "us-gov-west-1", "cn-north-1"]);
    });
});
