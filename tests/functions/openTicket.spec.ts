import { expect } from "chai";
import { handler } from "../../functions/openTicket";
import { SecurityIRClient } from "../../functions/aws/securityIncidentResponse";
import { underClient } from "../support/aws/underClients";
import { incident, InMemoryAws, thrown } from "./inMemoryAws";
import { awsError } from "../support/aws/errors";

interface Case {
    caseId: string;
    displayId?: string;
    subject: string;
    status: string;
}

describe("openTicket", () => {
    let aws: InMemoryAws;
    let cases: Case[];
    const created: Record<string, unknown>[] = [];

    beforeEach(() => {
        aws = new InMemoryAws();
        aws.install();
        cases = [];
        created.length = 0;
        aws.support = (name, input) => {
            if (name === "CreateCase") {
                created.push(input);
                cases.push({
                    caseId: `case-${cases.length}`,
                    displayId: `100${cases.length}`,
                    subject: input.subject as string,
                    status: "opened",
                });
                return { caseId: cases.at(-1)!.caseId };
            }
            if (input.caseIdList) return { cases: cases.filter(({ caseId }) => (input.caseIdList as string[]).includes(caseId)) };
            const at = Number(input.nextToken ?? 0);
            return { cases: cases.slice(at, at + 1), nextToken: at + 1 < cases.length ? String(at + 1) : undefined };
        };
    });
    afterEach(() => aws.remove());

    it("opens one case, and finds it when it runs again, behind other cases' pages", async () => {
        cases.push(
            { caseId: "case-other", subject: "Something else", status: "opened" },
            { caseId: "case-third", subject: "Security incident i-0a1b2c3d4e5f60718-0000000000000000", status: "opened" },
        );
        process.env.SUPPORT_CC = "soc@example.com, ciso@example.com";
        const opened = await handler({ incident });
        expect(opened).to.deep.equal({
            schemaVersion: 1,
            incidentId: incident.incidentId,
            outcome: "opened",
            caseId: "case-2",
            displayId: "1002",
            reason: null,
        });
        expect(await handler({ incident })).to.deep.equal({ ...opened, outcome: "already-open" });
        expect(created).to.have.length(1);
        expect(created[0]).to.deep.include({
            severityCode: "urgent",
            language: "en",
            ccEmailAddresses: ["soc@example.com", "ciso@example.com"],
        });
        expect(created[0]!.subject).to.include(incident.incidentId);
    });

    it("goes on without a case where the support plan has no API", async () => {
        aws.support = () => {
            throw awsError("SubscriptionRequiredException");
        };
        const { outcome, caseId, reason } = await handler({ incident });
        expect({ outcome, caseId }).to.deep.equal({ outcome: "unavailable", caseId: null });
        expect(reason).to.include("support plan");
    });

    it("asks nobody when cases are not configured", async () => {
        process.env.SUPPORT_ENABLED = "false";
        aws.support = () => {
            throw new Error("Support was asked");
        };
        expect((await handler({ incident })).outcome).to.equal("off");
    });

    it("says so when Support refuses the case", async () => {
        aws.support = (name) => {
            if (name === "CreateCase") throw awsError("CaseCreationLimitExceeded");
            return { cases: [] };
        };
        expect((await thrown(handler({ incident }))).name).to.equal("CaseCreationLimitExceeded");
    });

    describe("with AWS Security Incident Response", () => {
        let incidentCases: { caseId: string; title: string; caseStatus: string }[];
        let refusal: string | null;
        let asked: { name: string; input: Record<string, unknown> }[];
        let undo: () => void;

        beforeEach(() => {
            Object.assign(process.env, {
                SUPPORT_KIND: "security-incident-response",
                SUPPORT_REGION: "eu-central-1",
                SUPPORT_CC: "soc@example.com",
            });
            incidentCases = [{ caseId: "1000000000", title: `Security incident ${incident.incidentId} (closed)`, caseStatus: "Closed" }];
            refusal = null;
            asked = [];
            undo = underClient(SecurityIRClient, (_, name, input) => {
                asked.push({ name, input });
                if (refusal) return Promise.reject(awsError(refusal));
                if (name === "CreateCase") {
                    incidentCases.push({ caseId: "1000000001", title: input.title as string, caseStatus: "Submitted" });
                    return Promise.resolve({ caseId: "1000000001" });
                }
                const at = Number(input.nextToken ?? 0);
                return Promise.resolve({
                    items: incidentCases.slice(at, at + 1),
                    nextToken: at + 1 < incidentCases.length ? String(at + 1) : undefined,
                });
            });
            aws.support = () => {
                throw new Error("Support was asked");
            };
        });
        afterEach(() => undo());

        it("opens one case there, with AWS's engineers, and finds it when it runs again; a closed one is none", async () => {
            const opened = await handler({ incident });
            expect(opened).to.deep.include({ kind: "security-incident-response", outcome: "opened", caseId: "1000000001" });
            expect(await handler({ incident })).to.deep.equal({ ...opened, outcome: "already-open" });
            const created = asked.filter(({ name }) => name === "CreateCase").map(({ input }) => input);
            expect(created).to.have.length(1);
            expect(created[0]).to.deep.include({ resolverType: "AWS", watchers: [{ email: "soc@example.com" }] });
            expect((created[0]!.title as string).length).to.be.at.most(300);
            expect(JSON.parse(aws.objects.get(`${incident.prefix}ticket.json`)!)).to.deep.include({ kind: "security-incident-response" });
        });

        it("does not call AWS's engineers for a drill", async () => {
            await handler({ incident: { ...incident, finding: { ...incident.finding, sample: true } } });
            expect(asked.at(-1)!.input).to.deep.include({ resolverType: "Self", engagementType: "Investigation" });
        });

        it("goes on without a case where the account is no member", async () => {
            refusal = "SecurityIncidentResponseNotActiveException";
            const { outcome, reason } = await handler({ incident });
            expect(outcome).to.equal("unavailable");
            expect(reason).to.include("no member").and.include("eu-central-1");
        });

        it("says so when it refuses", async () => {
            refusal = "AccessDeniedException";
            expect((await thrown(handler({ incident }))).name).to.equal("AccessDeniedException");
        });
    });
});
