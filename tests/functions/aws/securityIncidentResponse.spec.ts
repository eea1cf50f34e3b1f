import { createHash, createHmac } from "node:crypto";
import { expect } from "chai";
import {
    CreateCaseCommand,
    CreateCaseCommentCommand,
    ListCasesCommand,
    SecurityIRClient,
} from "../../../functions/aws/securityIncidentResponse";
import { recordCalls, recorded } from "../../../functions/aws/custody/recorder";
import type { CustodyAction } from "../../../functions/domain/custody/custodyLog";
import { caseComment, incidentCase } from "../../../functions/domain/planTicket";
import { overHttp } from "../../support/aws/overHttp";
import { withEnvironment } from "../../support/aws/underClients";
import { incident } from "../inMemoryAws";

interface Request {
    path: string;
    headers: Record<string, string | string[] | undefined>;
    body: string;
}

const secret = "test-secret";
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** The signature that AWS would reckon for a request: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf({ path, headers, body }: Request): string {
    const [, day, region, service, signed] = /Credential=test\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+),/.exec(
        headers.authorization as string,
    )!;
    const canonical = [
        "POST",
        path,
        "",
        ...signed!.split(";").map((name) => `${name}:${headers[name] as string}`),
        "",
        signed,
        createHash("sha256").update(body).digest("hex"),
    ].join("\n");
    const scope = `${day}/${region}/${service}/aws4_request`;
    const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
    const key = [region!, service!, "aws4_request"].reduce<Buffer>((each, part) => hmac(each, part), hmac(`AWS4${secret}`, day!));
    return createHmac("sha256", key).update(text).digest("hex");
}

describe("AWS Security Incident Response", () => {
    let requests: Request[];
    let answer: { status: number; headers?: Record<string, string>; body: object };
    let client: SecurityIRClient;
    const restore: (() => void | Promise<void>)[] = [];

    beforeEach(async () => {
        requests = [];
        answer = { status: 201, body: { caseId: "1234567890" } };
        const { endpoint, stop } = await overHttp((request, body, response) => {
            requests.push({ path: request.url!, headers: request.headers, body: body.toString("utf8") });
            response.writeHead(answer.status, { "x-amzn-requestid": "0f3a", ...answer.headers }).end(JSON.stringify(answer.body));
        });
        restore.push(
            withEnvironment({
                AWS_ENDPOINT_URL: endpoint,
                AWS_ACCESS_KEY_ID: "test",
                AWS_SECRET_ACCESS_KEY: secret,
                AWS_SESSION_TOKEN: "",
            }),
            stop,
        );
        client = new SecurityIRClient({ region: "eu-west-1" });
    });
    afterEach(async () => {
        for (const undo of restore.splice(0)) await undo();
    });

    it("is called at its paths, signed for its name and Region as AWS reckons it", async () => {
        expect(await client.send(new CreateCaseCommand(incidentCase(incident, ["soc@example.com"])))).to.deep.include({
            caseId: "1234567890",
        });
        await client.send(new CreateCaseCommentCommand(caseComment("1234567890", "Grüße")));
        await client.send(new ListCasesCommand({ maxResults: 25 }));
        expect(requests.map(({ path }) => path)).to.deep.equal([
            "/v1/create-case",
            "/v1/cases/1234567890/create-comment",
            "/v1/list-cases",
        ]);
        for (const request of requests) {
            expect(request.headers.authorization).to.include("/eu-west-1/security-ir/aws4_request");
            expect(request.headers.authorization).to.include(`Signature=${signatureOf(request)}`);
            expect(request.headers["content-type"]).to.equal("application/json");
        }
        expect(JSON.parse(requests[0]!.body)).to.deep.include({
            resolverType: "AWS",
            engagementType: "Security Incident",
            impactedAccounts: [incident.instance.accountId],
            impactedAwsRegions: [{ region: incident.instance.region }],
            watchers: [{ email: "soc@example.com" }],
        });
    });

    it("is asked over api.aws where no endpoint is given", () => {
        delete process.env.AWS_ENDPOINT_URL;
        expect((new SecurityIRClient({ region: "eu-west-1" }) as unknown as { endpoint: URL }).endpoint.href).to.equal(
            "https://security-ir.eu-west-1.api.aws/",
        );
    });

    it("throws by the service's own name of the error, as the SDK does", async () => {
        answer = {
            status: 400,
            headers: { "x-amzn-errortype": "SecurityIncidentResponseNotActiveException:http://internal.amazon.com/" },
            body: { message: "No membership." },
        };
        const failure = await client.send(new ListCasesCommand({ maxResults: 25 })).catch((error: unknown) => error as Error);
        expect(failure).to.include({ name: "SecurityIncidentResponseNotActiveException", message: "No membership." });
        answer = { status: 503, body: {} };
        const busy = (await client.send(new ListCasesCommand({ maxResults: 25 })).catch((error: unknown) => error)) as {
            $metadata: { httpStatusCode: number };
        };
        expect(busy.$metadata.httpStatusCode).to.equal(503);
    });

    it("is noted in the custody log where it changes something", async () => {
        const kept: CustodyAction[] = [];
        const noted = recordCalls(client, () => Promise.resolve("arn:aws:sts::111111111111:assumed-role/x/y"));
        await recorded(
            { incidentId: incident.incidentId, step: "OpenTicket" },
            async () => {
                await noted.send(new ListCasesCommand({ maxResults: 25 }));
                await noted.send(new CreateCaseCommand(incidentCase(incident, [])));
            },
            (_, actions) => Promise.resolve(void kept.push(...actions)),
        );
        expect(kept.map(({ what, requestId }) => [what, requestId])).to.deep.equal([["security-ir:CreateCase", "0f3a"]]);
    });
});
