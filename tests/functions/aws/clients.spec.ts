/** The clients of a member account, against a server that answers as STS, EC2 and Auto Scaling do. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect } from "chai";
import { memberClient } from "../../../functions/aws/clients";

const answers: Record<string, (expiration: string) => string> = {
    AssumeRole: (expiration) =>
        `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    DescribeInstances: () => "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>",
    DescribeAutoScalingInstances: () =>
        "<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult><AutoScalingInstances/></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>",
};

describe("clients of a member account", () => {
    const instance = { instanceId: "i-0aaaaaaaaaaaaaaaa", accountId: "222222222222", region: "eu-west-1" };
    const incidentId = "i-0aaaaaaaaaaaaaaaa-00000000000000c1";
    let server: Server;
    let environment: NodeJS.ProcessEnv;
    /** Action and access key of each call, in order. */
    let calls: { action: string; key: string | undefined; session: string | null }[];
    let lifetimeMilliseconds: number;

    before((done) => {
        server = createServer((request, response) => {
            let body = "";
            request
                .on("data", (chunk: Buffer) => (body += chunk.toString()))
                .on("end", () => {
                    const form = new URLSearchParams(body);
                    calls.push({
                        action: form.get("Action")!,
                        key: /Credential=(\w+)\//.exec(request.headers.authorization ?? "")?.[1],
                        session: form.get("RoleSessionName"),
                    });
                    response.end(answers[form.get("Action")!]!(new Date(Date.now() + lifetimeMilliseconds).toISOString()));
                });
        }).listen(0, "127.0.0.1", done);
    });
    after((done) => {
        server.close(done);
        server.closeAllConnections();
    });
    beforeEach(() => {
        environment = { ...process.env };
        const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        Object.assign(process.env, {
            AWS_ENDPOINT_URL,
            AWS_REGION: instance.region,
            AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
            AWS_SECRET_ACCESS_KEY: "s",
            PARTITION: "aws",
            RESPONDER_ROLE_NAME: "clean-room-responder",
        });
        calls = [];
    });
    afterEach(() => {
        for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
        Object.assign(process.env, environment);
    });
    const useAll = (incident: string) =>
        Promise.all([
            memberClient(EC2Client, instance, incident).send(new DescribeInstancesCommand({})),
            memberClient(AutoScalingClient, instance, incident).send(new DescribeAutoScalingInstancesCommand({})),
        ]);

    it("assume the responder role once, together, as a session named after the incident", async () => {
        lifetimeMilliseconds = 3_600_000;
        await useAll(incidentId);
        await useAll(incidentId);
        expect(calls.filter(({ action }) => action === "AssumeRole")).to.deep.equal([
            { action: "AssumeRole", key: "AKIAFUNCTION", session: incidentId },
        ]);
        expect(calls.filter(({ action }) => action !== "AssumeRole").map(({ key }) => key)).to.deep.equal([
            "ASIASESSION",
            "ASIASESSION",
            "ASIASESSION",
            "ASIASESSION",
        ]);
    });

    it("assume it again for another incident, and when the session is about to end", async () => {
        lifetimeMilliseconds = 1000;
        const other = "i-0aaaaaaaaaaaaaaaa-00000000000000c2";
        await useAll(other);
        await useAll(other);
        expect(calls.filter(({ action }) => action === "AssumeRole").length).to.be.at.least(2);
        expect(calls.find(({ action }) => action === "AssumeRole")!.session).to.equal(other);
    });
});
