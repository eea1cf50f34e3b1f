import { Readable } from "node:stream";
import { execFile } from "node:child_process";
import path from "node:path";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { GuardDutyClient } from "@aws-sdk/client-guardduty";
import { OrganizationsClient } from "@aws-sdk/client-organizations";
import { expect } from "chai";
import fc from "fast-check";
import { admittedAccounts } from "../../infra/estate";
import { planDetectors } from "../../infra/planDetectors";
import { parseSettings, type Settings } from "../../infra/config";
import { exitCode, judge, render, type PairObservation, type PairVerdict } from "../../tools/coverage/judge";
import { accountsOfUnits, observe, type EstateClients } from "../../tools/coverage/observe";
import { stackSettings } from "../../tools/coverage/stackSettings";

const forensics = "111111111111";
const features = ["EBS_MALWARE_PROTECTION", "RUNTIME_MONITORING"];
const on = Object.fromEntries(features.map((feature) => [feature, "ENABLED"]));

/** An organisation's GuardDuty and rules, as tests set them. */
interface FakeEstate {
    /** Accounts and units below a unit or the root. */
    units: Record<string, { accounts?: { Id: string; Status: string }[]; units?: string[] }>;
    /** By `<account>/<Region>`. */
    detectors: Record<string, { status: string; features: Record<string, string> }>;
    /** Members of the administrator by Region: relation by account. */
    members: Record<string, Record<string, string>>;
    /** Rules that are missing or disabled, by `<account>/<Region>`. */
    rules: Record<string, "missing" | "DISABLED">;
    /** Regions in which the administrator does not switch accounts on that join. */
    notAutoEnabled: Set<string>;
    /** Status of the StackSet's instances, by `<account>/<Region>`. */
    stackInstances: Record<string, string>;
    /** `<account>/<Region>` that refuses every call. */
    refusing: Set<string>;
    calls: string[];
}

type Answer = { status: number; body: object | string };
const refusal = (type: string, status = 400): Answer => ({ status, body: { __type: type, message: `${type} by the fake` } });

/** Answers one request of the SDK. Lists come one at a time, so that pages are followed. */
function answer(
    fake: FakeEstate,
    place: string,
    request: { method: string; path: string; query?: Record<string, string>; headers: Record<string, string>; body?: string | Uint8Array },
): Answer {
    const [account, region] = place.split("/") as [string, string];
    const target = request.headers["x-amz-target"]?.split(".")[1];
    const form = new URLSearchParams(
        request.headers["content-type"]?.includes("form") ? Buffer.from(request.body as string).toString() : "",
    );
    fake.calls.push(`${place} ${target ?? `${request.method} ${request.path}`}`);
    if (fake.refusing.has(place))
        return form.has("Action")
            ? { status: 403, body: "<ErrorResponse><Error><Code>AccessDenied</Code><Message>by the fake</Message></Error></ErrorResponse>" }
            : refusal("AccessDeniedException", 403);
    if (form.get("Action") === "ListStackInstances") {
        expect(form.get("CallAs")).to.equal("DELEGATED_ADMIN");
        const all = Object.entries(fake.stackInstances);
        const at = Number(form.get("NextToken") ?? 0);
        const member = all
            .slice(at, at + 1)
            .map(
                ([where, status]) =>
                    `<member><Account>${where.split("/")[0]}</Account><Region>${where.split("/")[1]}</Region><Status>${status}</Status>${status === "CURRENT" ? "" : "<StatusReason>a\n  reason</StatusReason>"}</member>`,
            )
            .join("");
        return {
            status: 200,
            body: `<ListStackInstancesResponse><ListStackInstancesResult><Summaries>${member}</Summaries>${at + 1 < all.length ? `<NextToken>${at + 1}</NextToken>` : ""}</ListStackInstancesResult></ListStackInstancesResponse>`,
        };
    }
    const input = (request.body ? JSON.parse(Buffer.from(request.body as string).toString()) : {}) as Record<string, string> & {
        accountIds?: string[];
    };
    const page = <T>(list: T[], token: string | undefined) => ({
        one: list.slice(Number(token ?? 0), Number(token ?? 0) + 1),
        next: Number(token ?? 0) + 1 < list.length ? String(Number(token ?? 0) + 1) : undefined,
    });
    if (target === "ListAccountsForParent") {
        const { one, next } = page(fake.units[input.ParentId!]?.accounts ?? [], input.NextToken);
        return { status: 200, body: { Accounts: one, NextToken: next } };
    }
    if (target === "ListOrganizationalUnitsForParent") {
        const { one, next } = page(fake.units[input.ParentId!]?.units ?? [], input.NextToken);
        return { status: 200, body: { OrganizationalUnits: one.map((Id) => ({ Id })), NextToken: next } };
    }
    if (target === "DescribeRule") {
        const state = fake.rules[place] ?? "ENABLED";
        return state === "missing" ? refusal("ResourceNotFoundException") : { status: 200, body: { Name: input.Name, State: state } };
    }
    const detector = fake.detectors[place];
    if (request.path === "/detector") return { status: 200, body: { detectorIds: detector ? ["d"] : [] } };
    if (request.path === "/detector/d")
        return {
            status: 200,
            body: {
                status: detector!.status,
                features: Object.entries(detector!.features).map(([name, status]) => ({ name, status })),
                serviceRole: "r",
            },
        };
    if (request.path === "/detector/d/admin")
        return {
            status: 200,
            body: { memberAccountLimitReached: false, autoEnableOrganizationMembers: fake.notAutoEnabled.has(region) ? "NONE" : "ALL" },
        };
    if (request.path === "/detector/d/member") {
        const { one, next } = page(Object.entries(fake.members[region] ?? {}), request.query?.nextToken);
        return {
            status: 200,
            body: { members: one.map(([accountId, relationshipStatus]) => ({ accountId, relationshipStatus })), nextToken: next },
        };
    }
    if (request.path === "/detector/d/member/detector/get") {
        expect(input.accountIds!.length).to.be.within(1, 50);
        return {
            status: 200,
            body: {
                members: input.accountIds!.map((accountId) => ({
                    accountId,
                    features: Object.entries(fake.detectors[`${accountId}/${region}`]?.features ?? {}).map(([name, status]) => ({
                        name,
                        status,
                    })),
                })),
                unprocessedAccounts: [],
            },
        };
    }
    throw new Error(`The fake estate does not know ${request.method} ${request.path} of ${account}.`);
}

function clientsOf(fake: FakeEstate): EstateClients {
    const configuration = (accountId: string, region: string) => ({
        region,
        maxAttempts: 1,
        credentials: { accessKeyId: accountId, secretAccessKey: "none" },
        requestHandler: {
            handle: async (request: Parameters<typeof answer>[2]) => {
                const { status, body } = answer(fake, `${accountId}/${region}`, request);
                return {
                    response: {
                        statusCode: status,
                        headers: { "content-type": typeof body === "string" ? "text/xml" : "application/json" },
                        body: Readable.from([Buffer.from(typeof body === "string" ? body : JSON.stringify(body))]),
                    },
                };
            },
            updateHttpClientConfig: () => undefined,
            httpHandlerConfigs: () => ({}),
        } as never,
    });
    return {
        guardDuty: (accountId, region) => new GuardDutyClient(configuration(accountId, region)),
        eventBridge: (accountId, region) => new EventBridgeClient(configuration(accountId, region)),
        cloudFormation: (accountId, region) => new CloudFormationClient(configuration(accountId, region)),
        organizations: (accountId) => new OrganizationsClient({ ...configuration(accountId, "organizations"), region: "us-east-1" }),
    };
}

const regions = ["eu-west-1", "us-east-1"];
const base = { forensics: { accountId: forensics }, regions };
const fakeEstate = (change: Partial<FakeEstate>): FakeEstate => ({
    units: {},
    detectors: {},
    members: {},
    rules: {},
    notAutoEnabled: new Set(),
    stackInstances: {},
    refusing: new Set(),
    calls: [],
    ...change,
});
const verdicts = async (settings: Settings, fake: FakeEstate): Promise<PairVerdict[]> =>
    (await observe(settings, clientsOf(fake))).map((pair) => judge(pair, settings.coverage.features));
const gaps = (all: PairVerdict[]): string[] =>
    all.filter(({ covered }) => !covered).map(({ accountId, region, reasons }) => `${accountId}/${region}: ${reasons.join("; ")}`);

describe("npm run coverage: an organisation", () => {
    const settings = parseSettings({
        ...base,
        organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] },
    });
    const active = (...ids: string[]) => ids.map((Id) => ({ Id, Status: "ACTIVE" }));
    const everywhere = (account: string) =>
        Object.fromEntries(regions.map((region) => [`${account}/${region}`, { status: "ENABLED", features: on }]));
    const organisation = (): FakeEstate =>
        fakeEstate({
            units: {
                "ou-a1b2-c3d4e5f6": {
                    accounts: [...active("222222222222", forensics), { Id: "999999999999", Status: "SUSPENDED" }],
                    units: ["ou-a1b2-00000001"],
                },
                "ou-a1b2-00000001": { accounts: active("333333333333", "444444444444") },
            },
            detectors: {
                ...everywhere(forensics),
                ...everywhere("222222222222"),
                ...everywhere("333333333333"),
                ...everywhere("444444444444"),
            },
            members: Object.fromEntries(
                regions.map((region) => [region, { "222222222222": "Enabled", "333333333333": "Enabled", "444444444444": "Enabled" }]),
            ),
            stackInstances: Object.fromEntries(
                ["222222222222", "333333333333", "444444444444"].flatMap((account) =>
                    regions.map((region) => [`${account}/${region}`, "CURRENT"]),
                ),
            ),
        });

    it("asks for nothing of accounts that are left out", async () => {
        const without = { ...settings, organization: { ...settings.organization!, excludeAccounts: ["333333333333"] } };
        const asked = (await observe(without, clientsOf(organisation()))).map(({ accountId }) => accountId);
        expect([...new Set(asked)]).to.deep.equal(["222222222222", "444444444444"]);
    });

    it("asks the account that administers GuardDuty where that is a third one, and passes there", async () => {
        const readRoleArn = "arn:aws:iam::444444444444:role/clean-room-guardduty-read";
        const foreign = parseSettings({
            ...base,
            organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] },
            coverage: { mode: "existing", administrator: { accountId: "444444444444", readRoleArn } },
        });
        const fake = organisation();
        // The forensics account is a member like others and administers nothing; the administrator is none of its own.
        for (const region of regions) {
            delete fake.members[region]!["444444444444"];
            delete fake.detectors[`${forensics}/${region}`];
        }
        const all = await verdicts(foreign, fake);
        expect(gaps(all)).to.deep.equal([]);
        expect(all).to.have.length(6);
        expect(fake.calls.filter((call) => call.includes("/member")).every((call) => call.startsWith("444444444444/"))).to.equal(true);
        fake.detectors["444444444444/us-east-1"]!.status = "DISABLED";
        expect(gaps(await verdicts(foreign, fake))).to.deep.equal(["444444444444/us-east-1: the detector is DISABLED"]);
        // Nothing is adopted, and so nothing stops a deployment, in an account that administers nothing.
        expect(planDetectors(foreign)).to.deep.equal([]);
    });

    it("looks at an account in the Regions that protect it alone", async () => {
        const fewer = parseSettings({
            ...base,
            organization: {
                organizationId: "o-a1b2c3d4e5",
                organizationalUnitIds: ["ou-a1b2-c3d4e5f6"],
                accountRegions: { "333333333333": ["eu-west-1"] },
            },
        });
        const pairs = (await observe(fewer, clientsOf(organisation()))).map(({ accountId, region }) => `${accountId}/${region}`);
        expect(pairs.filter((pair) => pair.startsWith("333333333333"))).to.deep.equal(["333333333333/eu-west-1"]);
        expect(admittedAccounts(fewer, "us-east-1")).to.include("!333333333333");
        expect(admittedAccounts(fewer, "eu-west-1")).to.deep.equal(["*"]);
    });

    it("finds the active accounts of all units below, page by page", async () => {
        const fake = organisation();
        expect(await accountsOfUnits(clientsOf(fake).organizations(forensics), ["ou-a1b2-c3d4e5f6"])).to.deep.equal([
            forensics,
            "222222222222",
            "333333333333",
            "444444444444",
        ]);
    });

    it("covers every account in every Region, and says how many pairs it looked at", async () => {
        const all = await verdicts(settings, organisation());
        expect(gaps(all)).to.deep.equal([]);
        expect(render(all).split("\n").at(-1)).to.equal(
            "Looked at 6 pairs of account and Region (3 accounts, 2 Regions): 6 covered, 0 not.",
        );
        expect(exitCode(all)).to.equal(0);
    });

    it("names an account that is no member, one that left, and one without a feature", async () => {
        const fake = organisation();
        delete fake.members["eu-west-1"]!["222222222222"];
        fake.members["us-east-1"]!["333333333333"] = "Removed";
        fake.detectors["444444444444/us-east-1"]!.features = { ...on, RUNTIME_MONITORING: "DISABLED" };
        const all = await verdicts(settings, fake);
        expect(gaps(all)).to.deep.equal([
            "222222222222/eu-west-1: GuardDuty has no detector",
            "333333333333/us-east-1: the detector is that of a member which is Removed",
            "444444444444/us-east-1: RUNTIME_MONITORING is DISABLED",
        ]);
        expect(exitCode(all)).to.equal(1);
    });

    it("covers nothing in a Region where the administrator has no detector, no rule, or cannot be asked", async () => {
        const [without, deaf, refusing] = [organisation(), organisation(), organisation()];
        delete without.detectors[`${forensics}/us-east-1`];
        deaf.rules[`${forensics}/us-east-1`] = "missing";
        refusing.refusing.add(`${forensics}/us-east-1`);
        for (const [fake, reason] of [
            [without, /could not be asked: .*no detector/],
            [deaf, /no rule clean-room-findings, so no finding arrives/],
            [refusing, /could not be asked: AccessDenied/],
        ] as const) {
            const all = await verdicts(settings, fake);
            expect(gaps(all)).to.have.length(3);
            for (const gap of gaps(all))
                expect(gap)
                    .to.match(/us-east-1/)
                    .and.match(reason);
        }
    });

    it("covers nothing in a Region where accounts that join are not switched on", async () => {
        const fake = organisation();
        fake.notAutoEnabled.add("us-east-1");
        const all = gaps(await verdicts(settings, fake));
        expect(all).to.have.length(3);
        for (const gap of all) expect(gap).to.match(/us-east-1: GuardDuty is not switched on in accounts that join: auto-enable is NONE$/);
    });

    it("covers no account that the StackSet has not given the footprint, and no Region of one whose responder role is missing", async () => {
        const fake = organisation();
        delete fake.stackInstances["222222222222/us-east-1"];
        fake.stackInstances["333333333333/us-east-1"] = "OUTDATED";
        delete fake.stackInstances["444444444444/eu-west-1"];
        // Where nothing is forwarded the StackSet goes to the home Region alone, and nothing is missed elsewhere.
        expect(gaps(await verdicts(settings, fake))).to.deep.equal([
            "444444444444/eu-west-1: the StackSet clean-room-member has no instance in eu-west-1, so the instance cannot be contained",
            "444444444444/us-east-1: the StackSet clean-room-member has no instance in eu-west-1, so the responder role, which lies there, cannot be relied on",
        ]);
        const forwarding = parseSettings({ ...base, organization: settings.organization, coverage: { mode: "existing" } });
        expect(gaps(await verdicts(forwarding, fake))).to.deep.equal([
            "444444444444/eu-west-1: the StackSet clean-room-member has no instance in eu-west-1, so the instance cannot be contained",
            "222222222222/us-east-1: the StackSet clean-room-member has no instance in us-east-1, so the instance cannot be contained",
            "333333333333/us-east-1: the instance of the StackSet clean-room-member in us-east-1 is OUTDATED (a reason), so the instance cannot be contained",
            "444444444444/us-east-1: the StackSet clean-room-member has no instance in eu-west-1, so the responder role, which lies there, cannot be relied on",
        ]);
    });

    it("counts a StackSet that cannot be asked as a gap everywhere", async () => {
        const fake = organisation();
        fake.refusing.add(`${forensics}/nowhere`);
        const all = (
            await observe(settings, {
                ...clientsOf(fake),
                cloudFormation: (accountId) => clientsOf(fake).cloudFormation(accountId, "nowhere"),
            })
        ).map((pair) => judge(pair, settings.coverage.features));
        expect(gaps(all)).to.have.length(6);
        for (const gap of gaps(all)) expect(gap).to.match(/StackSet clean-room-member could not be asked: AccessDenied/);
    });

    it("fails altogether where the organisation cannot be listed", async () => {
        const fake = organisation();
        fake.refusing.add(`${forensics}/organizations`);
        const refused = await observe(settings, clientsOf(fake)).then(
            () => "listed",
            (error: Error) => error.name,
        );
        expect(refused).to.equal("AccessDeniedException");
    });
});

describe("npm run coverage: listed members", () => {
    const settings = parseSettings({
        ...base,
        members: [{ accountId: "222222222222" }, { accountId: "333333333333", regions: ["us-east-1"] }],
    });
    const healthy = { status: "ENABLED", features: on };
    const listed = (): FakeEstate =>
        fakeEstate({
            detectors: {
                "222222222222/eu-west-1": { ...healthy },
                "222222222222/us-east-1": { ...healthy },
                "333333333333/us-east-1": { ...healthy },
            },
        });

    it("looks at the configured pairs and no others, each in its own account and Region", async () => {
        const fake = listed();
        const all = await verdicts(settings, fake);
        expect(gaps(all)).to.deep.equal([]);
        expect(all.map(({ accountId, region }) => `${accountId}/${region}`)).to.have.members(Object.keys(fake.detectors));
        expect(new Set(fake.calls.map((call) => call.split(" ")[0]))).to.deep.equal(
            new Set([...Object.keys(fake.detectors), ...regions.map((region) => `${forensics}/${region}`)]),
        );
    });

    it("says what is missing where", async () => {
        const fake = listed();
        fake.detectors["222222222222/eu-west-1"]!.status = "DISABLED";
        fake.rules["222222222222/us-east-1"] = "DISABLED";
        delete fake.detectors["333333333333/us-east-1"];
        fake.rules["333333333333/us-east-1"] = "missing";
        expect(gaps(await verdicts(settings, fake))).to.deep.equal([
            "222222222222/eu-west-1: the detector is DISABLED",
            "222222222222/us-east-1: the rule clean-room-forward-findings of account 222222222222 is DISABLED, so no finding arrives",
            "333333333333/us-east-1: GuardDuty has no detector; account 333333333333 has no rule clean-room-forward-findings, so no finding arrives",
        ]);
    });

    it("counts an account that refuses as a gap", async () => {
        const fake = listed();
        fake.refusing.add("222222222222/eu-west-1");
        expect(gaps(await verdicts(settings, fake))).to.have.length(1);
    });
});

describe("judge", () => {
    const good: PairObservation = {
        accountId: "222222222222",
        region: "eu-west-1",
        detector: { status: "ENABLED", features: on },
        autoEnable: null,
        rules: [{ accountId: forensics, name: "rule", state: "ENABLED" }],
        footprint: [{ region: "eu-west-1", status: "CURRENT" }],
    };
    const detectors = fc.constantFrom(
        null,
        { unseen: "AccessDenied" },
        { status: "DISABLED", features: on },
        { status: "ENABLED", features: {} },
        good.detector,
    );
    const states = fc.constantFrom(
        null,
        { unseen: "AccessDenied" },
        "DISABLED",
        "ENABLED",
        "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    );

    it("covers a pair only when everything was seen and is on, and always says why not", () => {
        const statuses = fc.constantFrom(null, { unseen: "AccessDenied" }, "OUTDATED", "INOPERABLE", "CURRENT");
        fc.assert(
            fc.property(detectors, states, statuses, (detector, state, status) => {
                const verdict = judge(
                    { ...good, detector, rules: [{ ...good.rules[0]!, state }], footprint: [{ region: "eu-west-1", status }] },
                    features,
                );
                expect(verdict.covered).to.equal(
                    status === "CURRENT" && detector === good.detector && typeof state === "string" && state.startsWith("ENABLED"),
                );
                expect(verdict.reasons.length === 0).to.equal(verdict.covered);
            }),
        );
    });

    it("is no success when there was nothing to look at", () => expect(exitCode([])).to.equal(1));
});

describe("npm run coverage: the command", () => {
    const run = (...args: string[]) =>
        new Promise<{ code: number; stderr: string }>((resolve) => {
            const child = execFile(
                process.execPath,
                ["-r", "tsx/cjs", path.resolve(__dirname, "../../tools/coverage.ts"), ...args],
                (_error, _stdout, stderr) => resolve({ code: child.exitCode ?? -1, stderr }),
            );
        });

    it("refuses a missing stack and one that does not exist with 2", async function () {
        this.timeout(60_000);
        const [none, unknown] = await Promise.all([run(), run("--stack", "staging")]);
        expect(none).to.deep.include({ code: 2 }).and.property("stderr").that.includes("--stack NAME");
        expect(unknown).to.deep.include({ code: 2 }).and.property("stderr").that.includes("There is no Pulumi.staging.yaml");
    });

    it("reads the stacks of this project", () => {
        expect(stackSettings("dev").members).to.have.length(1);
        expect(stackSettings("prod").regions).to.have.length(17);
    });
});
