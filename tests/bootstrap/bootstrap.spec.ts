import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { ensureVenv } from "../../packaging/python";
import { bootstrapTexts } from "../../tools/bootstrap";
import { commandStatements, commandsWithRights } from "../../tools/bootstrap/commandRights";
import { accountKinds, declaredTypes, type DeclaredTypes } from "../../tools/bootstrap/estates";
import { responderActions } from "../../tools/bootstrap/exemption";
import { longestParameters, mostCharacters, mostPolicies, typeStatements } from "../../tools/bootstrap/statements";
import { invokeRights, typeRights } from "../../tools/bootstrap/typeRights";
import { actionsOf } from "../../tools/iam/actions";
import exceptions from "../../tools/iam/exceptions.json";
import { reachedFrom } from "../../tools/iam/reach";
import { resourceProblems } from "../../tools/iam/resources";

const root = path.resolve(__dirname, "../..");
const scripts = (JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts;

interface PolicyStatement {
    Effect: string;
    Action: string[];
    Resource: string[];
    Condition?: Record<string, Record<string, unknown>>;
}
interface Resource {
    Type: string;
    Properties: { PolicyDocument: { Statement: PolicyStatement[] }; ManagedPolicyArns: unknown[]; AssumeRolePolicyDocument: unknown };
}

/** A template as CloudFormation reads it with every optional parameter given, at its longest. */
function resolved(text: string): Record<string, Resource> {
    const fill = (value: unknown): unknown => {
        if (Array.isArray(value)) return value.map(fill);
        if (!value || typeof value !== "object") return value;
        if ("Fn::If" in value) return fill((value["Fn::If"] as unknown[])[1]);
        if ("Fn::Sub" in value)
            return (value["Fn::Sub"] as string).replace(/\$\{([\w:]+)\}/g, (_, name: string) => longestParameters[name] ?? name);
        return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each)]));
    };
    return (fill(JSON.parse(text)) as { Resources: Record<string, Resource> }).Resources;
}

describe("the bootstrap templates", function () {
    this.timeout(120_000);
    let declared: DeclaredTypes;
    let texts: Record<string, string>;
    const templates = [...accountKinds, "operators"];

    before(async () => {
        declared = await declaredTypes();
        texts = bootstrapTexts(declared.types);
    });

    it("are what the program and its commands need now", () => {
        for (const [name, text] of Object.entries(texts))
            expect(readFileSync(path.join(root, "bootstrap", name), "utf8") === text, `bootstrap/${name}: npm run bootstrap`).to.equal(
                true,
            );
    });

    it("know every resource type and data source that infra/ names, and no other", () => {
        const files = readdirSync(path.join(root, "infra"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
        const program = files.map((file) => readFileSync(path.join(root, "infra", file), "utf8")).join("\n");
        const named = [...program.matchAll(/new aws\.(\w+)\.(\w+)\(/g)].map(
            ([, service, what]) => `aws:${service}/${what![0]!.toLowerCase()}${what!.slice(1)}:${what}`,
        );
        const seen = new Set(accountKinds.flatMap((kind) => [...declared.types[kind]]));
        expect(named.length).to.be.greaterThan(80);
        expect(named.filter((type) => !seen.has(type))).to.deep.equal([]);
        expect(Object.keys(typeRights).filter((type) => !seen.has(type))).to.deep.equal([]);
        const asked = [...program.matchAll(/\baws\.(?:\w+\.)?(get[A-Z]\w*?)(?:Output)?\(/g)].map(([, name]) => name!);
        expect([...new Set(asked)].sort()).to.deep.equal(Object.keys(invokeRights).sort());
    });

    it("refuse a type that nobody gave rights to", () =>
        expect(() => typeStatements(new Set(["aws:ec2/natGateway:NatGateway"]), true)).to.throw("aws:ec2/natGateway:NatGateway"));

    it("reach what the program makes by its names", () => {
        const misses = declared.named.filter(({ type, name }) => {
            const patterns = typeRights[type]!.on.map(
                (on) =>
                    /(?:clean-room|\/aws\/|drill-range).*$/.exec(
                        on
                            .replace(/\/\*$|:\*$/, "")
                            .replaceAll("${RolePath}", "/")
                            .replaceAll("${AWS::AccountId}", "111111111111"),
                    )?.[0],
            ).filter((pattern) => pattern !== undefined);
            const bare = name.replace(/^alias\//, "").replace(/^\/(?!aws)/, "");
            return (
                patterns.length > 0 &&
                !patterns.some((pattern) => new RegExp(`^${pattern.replace(/[.+]/g, "\\$&").replaceAll("*", ".*")}`).test(bare))
            );
        });
        expect(misses).to.deep.equal([]);
        expect(declared.named.length).to.be.greaterThan(150);
    });

    it("grant on every resource only what AWS cannot limit, what has no name yet, or what is a service's own", () => {
        // Why each: typeRights.ts.
        const everywhere = Object.fromEntries(
            [
                ...Object.values(typeRights).flatMap(({ readAnything = "", writeAnything = "" }) => [readAnything, writeAnything]),
                ...Object.values(invokeRights).map(({ actions }) => actions),
            ]
                .flatMap((text) => text.split(" "))
                .map((word) => word.slice(word.indexOf(":") + 1))
                .map((name) => [name, "typeRights.ts"]),
        );
        for (const kind of accountKinds)
            for (const statements of Object.values(typeStatements(declared.types[kind], true)))
                expect(
                    resourceProblems(kind, statements, {}).filter(
                        (problem) => !everywhere[/: [\w-]+:(\w+) is granted on every/.exec(problem)?.[1] ?? ""],
                    ),
                ).to.deep.equal([]);
        for (const who of ["operator", "approver"] as const)
            expect(
                resourceProblems(who, commandStatements(commandsWithRights(), who), {}).filter((each) => !each.includes("organizations:")),
            ).to.deep.equal([]);
    });

    it("leave a preview nothing that changes anything, and no secret", () => {
        const allowed = Object.entries(resolved(texts["forensics.json"]!))
            .filter(([id, { Type }]) => id.startsWith("Preview") && Type === "AWS::IAM::ManagedPolicy")
            .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
        const actions = allowed.flatMap(({ Action }) => Action);
        expect(actions.length).to.be.greaterThan(80);
        expect(actions.filter((action) => !/:(Describe|Get|List|Validate)/.test(action))).to.deep.equal(["sts:AssumeRole", "kms:Decrypt"]);
        const read = (action: RegExp) =>
            allowed.filter(({ Action }) => Action.some((each) => action.test(each))).flatMap(({ Resource }) => Resource);
        // The state, its key and rule bundles, which are parameters; never evidence.
        expect(read(/^s3:GetObject$/).filter((on) => typeof on === "string" && on.includes("clean-room-"))).to.deep.equal([]);
        expect(read(/^ssm:GetParameter/).every((on) => /aws\/service|deployed-by/.test(on))).to.equal(true);
    });

    it("keep the deployment role from changing itself, the approvers and who may end the evidence keys", () => {
        const statements = Object.entries(resolved(texts["forensics.json"]!))
            .filter(([id, { Type }]) => id.startsWith("Deployment") && Type === "AWS::IAM::ManagedPolicy")
            .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
        const denied = statements.filter(({ Effect }) => Effect === "Deny");
        expect(denied).to.have.length(1);
        for (const role of ["clean-room-deployment", "clean-room-approver", longestParameters.CustodianRoleName!])
            expect(denied[0]!.Resource.some((on) => on.endsWith(role))).to.equal(true);
        // Where there is a boundary, no role gets a right outside it.
        for (const { Action, Condition } of statements.filter(({ Effect }) => Effect === "Allow"))
            if (Action.includes("iam:PutRolePolicy")) expect(Condition?.StringEquals).to.have.property("iam:PermissionsBoundary");
    });

    it("stay within IAM's and CloudFormation's limits with the longest settings", () => {
        for (const kind of templates) {
            expect(texts[`${kind}.json`]!.length, kind).to.be.at.most(51_200);
            for (const [id, { Type, Properties }] of Object.entries(resolved(texts[`${kind}.json`]!))) {
                if (Type === "AWS::IAM::ManagedPolicy")
                    expect(JSON.stringify(Properties.PolicyDocument).length, `${kind} ${id}`).to.be.at.most(mostCharacters);
                else {
                    expect(Properties.ManagedPolicyArns.length, `${kind} ${id}`).to.be.at.most(mostPolicies);
                    expect(JSON.stringify(Properties.AssumeRolePolicyDocument).length).to.be.at.most(2048);
                }
            }
        }
    });

    it("let operators and approvers do what the commands say, and approvers alone answer", () => {
        const commands = commandsWithRights();
        const of = (who: "operator" | "approver") => commandStatements(commands, who);
        const functions = (who: "operator" | "approver") =>
            of(who)
                .filter(({ Action }) => Action.includes("lambda:InvokeFunction"))
                .flatMap(({ Resource }) => Resource);
        expect(functions("approver").map((on) => on.split(":").at(-1))).to.deep.equal(["clean-room-answerApproval"]);
        expect(functions("operator").some((on) => on.endsWith("answerApproval") || on.endsWith("*"))).to.equal(false);
        expect(commands.map(({ name }) => name)).to.include.members([
            "approve",
            "deny",
            "incidents",
            "verify",
            "release",
            "retire",
            "close",
            "hold",
            "preflight",
        ]);
    });

    it("let whoever runs coverage read GuardDuty where a third account administers it, and nothing else there", () => {
        const { GuardDutyReadRole } = resolved(texts["guardduty-administrator.json"]!);
        const { Policies } = GuardDutyReadRole!.Properties as unknown as {
            Policies: { PolicyDocument: { Statement: PolicyStatement[] } }[];
        };
        const read = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).flatMap(({ Action }) => Action);
        const coverage = commandsWithRights().find(({ name }) => name === "coverage")!;
        const wanted = Object.values(coverage.rights)
            .flat()
            .filter((action) => action.startsWith("guardduty:"));
        expect(read.sort()).to.deep.equal([...new Set(wanted)].sort());
        // The other side: a role of another account that trusts is not enough.
        for (const [file, id] of [
            ["forensics.json", "DeploymentPulumi"],
            ["operators.json", "OperatorCommands"],
        ] as const) {
            const assumed = resolved(texts[file]!)
                [id]!.Properties.PolicyDocument.Statement.filter(({ Action }) => Action.includes("sts:AssumeRole"))
                .flatMap(({ Resource }) => Resource);
            expect(
                assumed.some((on) => on.endsWith("clean-room-guardduty-read")),
                file,
            ).to.equal(true);
        }
    });

    it("name everything the responder does", () => {
        const exemption = JSON.parse(texts["scp-exemption.json"]!) as { ResponderChanges: string[]; ResponderReads: string[] };
        expect([...exemption.ResponderChanges, ...exemption.ResponderReads].sort()).to.deep.equal(responderActions());
        expect(exemption.ResponderChanges).to.include.members([
            "ec2:ModifyNetworkInterfaceAttribute",
            "iam:PutRolePolicy",
            "ec2:CreateSnapshots",
        ]);
    });

    it("pass cfn-lint", async function () {
        this.timeout(600_000);
        // It comes with the local AWS.
        const { bin } = await ensureVenv({ name: "rehearsal", lockFile: path.join(root, "rehearsal/requirements.lock") });
        const files = [...templates, "guardduty-administrator", "chat-actions"].map((kind) => path.join(root, "bootstrap", `${kind}.json`));
        const said = await promisify(execFile)(path.join(bin, "cfn-lint"), [
            "--format",
            "parseable",
            "--regions",
            "eu-west-1",
            "us-east-1",
            "--",
            ...files,
        ]).then(
            () => "",
            (error: { stdout?: string; message: string }) => error.stdout || error.message,
        );
        expect(said).to.equal("");
    });
});

describe("the rights that commands say they need", () => {
    /** Reached by a file of which the command uses another part: the function does it, with its own rights. */
    const elsewhere: Record<string, string[]> = {
        "tools/approve.ts": [
            "states:SendTaskSuccess",
            "states:StartExecution",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "dynamodb:UpdateItem",
        ],
    };
    const alongside = exceptions.granted as Record<string, string>;
    // Reads what every function may do (infra/steps.ts), and so loads them all; none of the files in question asks AWS.
    const loadsFunctions = ["tools/bootstrap.ts", "tools/testIam.ts"];
    const files = [...new Set(Object.values(scripts).flatMap((script) => /tools\/\w+\.ts/.exec(script)?.[0] ?? []))].filter(
        (file) => !loadsFunctions.includes(file),
    );
    const rights = commandsWithRights();

    for (const file of files)
        it(`${file} says what its code can ask of AWS, and nothing else`, function () {
            this.timeout(20_000);
            const reached = new Set(reachedFrom(file).flatMap(actionsOf));
            const said = new Set(rights.filter((each) => each.file === file).flatMap((each) => Object.values(each.rights).flat()));
            expect([...reached].filter((action) => !said.has(action) && !elsewhere[file]?.includes(action))).to.deep.equal([]);
            expect([...said].filter((action) => !reached.has(action) && !alongside[action])).to.deep.equal([]);
        });
});
