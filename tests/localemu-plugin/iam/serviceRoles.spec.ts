/** Calls between services, judged by the code that judges them in a rehearsal, which is asked directly: no LocalEmu runs. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect } from "chai";
import calls from "../../../localemu-plugin/clean_room_localemu/iam/service_calls.json";
import { ensureVenv } from "../../../packaging/python";

const root = path.resolve(__dirname, "../../..");
const ask = `
import json
from types import SimpleNamespace
from clean_room_localemu.iam import authorization, trust
from clean_room_localemu.iam.evaluation import Need
from clean_room_localemu.iam.service_calls import keys_of_service_call, table

ACCOUNT, SOURCE = "111111111111", "arn:aws:any:eu-west-1:111111111111:thing"
answers = {}
for row in table()["calls"]:
    if row["to"] == "sts:AssumeRole":
        for key, value in {"aws:SourceArn": SOURCE, "aws:SourceAccount": ACCOUNT}.items():
            statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": row["from"] + ".amazonaws.com"}}
            role = lambda condition: SimpleNamespace(
                arn=f"arn:aws:iam::{ACCOUNT}:role/x",
                assume_role_policy_document={"Statement": [{**statement, **condition}]},
            )
            trust._call.source_arn = SOURCE
            trusts = lambda condition: trust.trusts(role(condition), "", ACCOUNT, service_principal=row["from"])
            answers[row["id"] + " " + key] = [trusts({"Condition": {"StringEquals": {key: value}}}), trusts({"Condition": {"StringEquals": {key: "other"}}}), trusts({})]
    if row["id"] == "logs-kms":
        need = Need("kms:GenerateDataKey", "arn:aws:kms:eu-west-1:111111111111:key/x", {"kms:ViaService": "logs.eu-west-1.amazonaws.com", "kms:EncryptionContext:aws:logs:arn": SOURCE})
        answers[row["id"]] = sorted(keys_of_service_call("logs", need, SOURCE, ACCOUNT))

# A function that a topic invokes, permitted as AddPermission writes it.
TOPIC, FUNCTION = f"arn:aws:sns:eu-west-1:{ACCOUNT}:findings", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:start"
def invoked(condition):
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Principal": {"Service": "sns.amazonaws.com"}, "Resource": FUNCTION}
    authorization.policy_for = lambda need: {"Statement": [{**statement, **condition}]}
    refusals = []
    authorization.refuse = lambda request, message: refusals.append(message)
    # LocalEmu names the subscription, whose ARN ends in an id of its own.
    call = SimpleNamespace(internal_request_params={"service_principal": "sns", "source_arn": TOPIC + ":0f1e2d3c"})
    authorization.authorize_service(call, [Need("lambda:InvokeFunction", FUNCTION)])
    return refusals
asks = {
    "topic": {"ArnLike": {"aws:SourceArn": TOPIC}},
    "other topic": {"ArnLike": {"aws:SourceArn": TOPIC + "-other"}},
    "account": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    "both": {"ArnLike": {"aws:SourceArn": TOPIC}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
for name, condition in asks.items():
    answers["permission by " + name] = invoked({"Condition": condition})
print(json.dumps(answers))
`;

describe("the plug-in: what a service says of itself when it takes a role", function () {
    this.timeout(600_000);
    let answers: Record<string, unknown>;

    before(async () => {
        const { python } = await ensureVenv({
            name: "rehearsal",
            lockFile: path.join(root, "rehearsal/requirements.lock"),
            localPackages: [path.join(root, "localemu-plugin")],
            log: () => undefined,
        });
        answers = JSON.parse(execFileSync(python, ["-c", ask], { encoding: "utf8" }).trim().split("\n").at(-1)!) as typeof answers;
    });

    for (const row of calls.calls.filter(({ to }) => to === "sts:AssumeRole"))
        for (const key of ["aws:SourceArn", "aws:SourceAccount"]) {
            const sent = (row.keys as string[]).includes(key);
            it(`${row.id}: ${sent ? "sends" : "does not send"} ${key} (${row.proof})`, () => {
                // A trust that asks for the right one, for another one, and for none.
                expect(answers[`${row.id} ${key}`]).to.deep.equal([sent, false, true]);
            });
        }

    it("logs-kms: sends the log group's ARN as encryption context, and no Source key", () => {
        expect(answers["logs-kms"]).to.deep.equal([
            "aws:PrincipalIsAWSService",
            "aws:SecureTransport",
            "kms:EncryptionContext:aws:logs:arn",
        ]);
    });

    it("a function's permission with the topic's ARN lets SNS invoke it", () => {
        expect(answers["permission by topic"]).to.deep.equal([]);
    });

    // https://docs.aws.amazon.com/lambda/latest/dg/with-sns-example.html: a source account results in access being denied.
    for (const name of ["account", "both", "other topic"])
        it(`a function's permission by ${name} refuses SNS, and the reason says what SNS sends`, () => {
            expect(String(answers[`permission by ${name}`])).to.match(
                /^sns\.amazonaws\.com is not authorized to perform: lambda:InvokeFunction .* it sends .*aws:SourceArn(?!.*aws:SourceAccount)/,
            );
        });
});
