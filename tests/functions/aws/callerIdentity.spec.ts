import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { callerOf, proveCaller } from "../../../functions/aws/callerIdentity";
import { signedHeaders, statementHash, statementHeader } from "../../../functions/domain/callerProof";

const statement = { ask: "answer", incidentIds: ["i-1-a"], approved: true, reason: null };
const ann = "arn:aws:sts::111111111111:assumed-role/operator/ann";

describe("callerIdentity", () => {
    const saved = { ...process.env };
    let seen: { headers: IncomingHttpHeaders; body: string }[];
    let answer: { status: number; account: string };
    let server: Server;

    before(async () => {
        server = createServer((request, response) => {
            let body = "";
            request.on("data", (chunk: Buffer) => (body += chunk.toString()));
            request.on("end", () => {
                seen.push({ headers: request.headers, body });
                response
                    .writeHead(answer.status, { "content-type": "text/xml" })
                    .end(
                        answer.status === 200
                            ? `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${ann}</Arn><UserId>A:ann</UserId><Account>${answer.account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
                            : "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></ErrorResponse>",
                    );
            });
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        Object.assign(process.env, {
            AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            AWS_REGION: "eu-west-1",
            FORENSICS_ACCOUNT_ID: "111111111111",
            AWS_ACCESS_KEY_ID: "AKIAOPERATOR",
            AWS_SECRET_ACCESS_KEY: "secret",
            AWS_SESSION_TOKEN: "session",
        });
    });
    beforeEach(() => {
        seen = [];
        answer = { status: 200, account: "111111111111" };
    });
    after(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        for (const name of Object.keys(process.env)) delete process.env[name];
        Object.assign(process.env, saved);
    });
    const thrown = (promise: Promise<unknown>) =>
        promise.then(
            () => expect.fail("did not throw"),
            (error: Error) => error,
        );

    it("signs without sending, and is who AWS says by the caller's signature alone", async () => {
        const proof = await proveCaller("eu-west-1", statement);
        expect(seen).to.deep.equal([]);
        expect(JSON.stringify(proof)).to.not.contain("secret");
        expect(await callerOf(proof, statement)).to.deep.equal({ arn: ann, accountId: "111111111111" });
        const [{ headers, body }] = seen;
        expect(headers.authorization).to.equal(proof.headers.authorization).and.contain("AKIAOPERATOR");
        expect(headers).to.include({
            "x-amz-security-token": "session",
            [statementHeader]: statementHash(statement),
            "x-amz-date": proof.headers["x-amz-date"],
        });
        expect(body).to.equal("Action=GetCallerIdentity&Version=2011-06-15");
    });

    it("proves nothing else than what was signed, and asks AWS nothing then", async () => {
        const proof = await proveCaller("eu-west-1", statement);
        expect((await thrown(callerOf(proof, { ...statement, approved: false }))).message).to.match(/signed for something else/);
        const swapped = { headers: { ...proof.headers, [statementHeader]: statementHash({ ...statement, approved: false }) } };
        answer = { status: 403, account: "" };
        // AWS sees that the header is not what was signed.
        expect((await thrown(callerOf(swapped, { ...statement, approved: false }))).message).to.match(
            /does not take the signature \(SignatureDoesNotMatch\)/,
        );
        const unbound = { headers: { ...proof.headers, authorization: proof.headers.authorization!.replace(`;${statementHeader}`, "") } };
        expect((await thrown(callerOf(unbound, statement))).message).to.match(/does not cover what is asked for/);
        expect((await thrown(callerOf({ headers: {} }, statement))).message).to.match(/no signed request to STS/);
        expect(seen).to.have.length(1);
    });

    it("takes nobody of another account", async () => {
        answer = { status: 200, account: "222222222222" };
        expect((await thrown(callerOf(await proveCaller("eu-west-1", statement), statement))).message).to.match(/of account 222222222222/);
    });

    it("sends along only what was signed", async () => {
        const proof = await proveCaller("eu-west-1", statement);
        const sent = signedHeaders({ headers: { ...proof.headers, "x-forwarded-for": "evil" } }, statementHash(statement));
        expect(sent).to.have.nested.property("headers.authorization");
        expect(JSON.stringify(sent)).to.not.contain("evil");
    });

    it("hashes a statement whatever the order of its names", () => {
        expect(statementHash({ a: "1", b: true }))
            .to.equal(statementHash({ b: true, a: "1" }))
            .and.not.equal(statementHash({ a: "1", b: "true" }));
    });
});
