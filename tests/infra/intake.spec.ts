import { expect } from "chai";
import { findingPattern } from "../../infra/findingPattern";
import { declare, type Declared } from "./support/declared";

const forensics = { accountId: "111111111111" };
const regions = ["eu-west-1", "us-east-1"];
const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };

async function inForensics(settings: object): Promise<Declared[]> {
    const { resources, problems } = await declare(
        { forensics, regions, ...settings },
        { detectors: Object.fromEntries(regions.map((region) => [`111111111111/${region}`, "ENABLED"])) },
    );
    expect(problems).to.deep.equal([]);
    return resources.filter(({ accountId }) => accountId === forensics.accountId);
}
interface Condition {
    type: string;
    key: string;
    value: string;
}
const conditionText = ({ type, key, value }: Condition) => `${type} ${key} ${value}`;
const permissions = (resources: Declared[]) =>
    resources
        .filter(({ type }) => type === "aws:cloudwatch/eventPermission:EventPermission")
        .map(
            ({ region, inputs }) =>
                `${region} ${inputs.principal as string}${inputs.condition ? ` ${conditionText(inputs.condition as Condition)}` : ""}`,
        )
        .sort();

describe("the way of a finding into the forensics account", function () {
    this.timeout(240_000);
    let resources: Declared[];
    const of = (type: string, region: string) => resources.filter((each) => each.type === type && each.region === region);

    before(async () => {
        resources = await inForensics({
            findings: { minimumSeverity: 7 },
            members: [
                { accountId: "222222222222" },
                { accountId: "333333333333", regions: ["us-east-1"] },
                { accountId: "444444444444", forwardFindings: false },
            ],
        });
    });

    for (const region of regions) {
        it(`can be replayed in ${region}: the archive keeps what the rule lets through, from the same bus`, () => {
            const [archive, ...more] = of("aws:cloudwatch/eventArchive:EventArchive", region);
            expect(more).to.deep.equal([]);
            expect(archive!.inputs).to.include({
                eventSourceArn: `arn:aws:events:${region}:111111111111:event-bus/default`,
                retentionDays: 365,
            });
            const rule = of("aws:cloudwatch/eventRule:EventRule", region).find(({ inputs }) => inputs.name === "clean-room-findings")!;
            for (const { inputs } of [archive!, rule]) expect(JSON.parse(inputs.eventPattern as string)).to.deep.equal(findingPattern(7));
        });

        it(`ends in the dead-letter queue of ${region} when topic or function cannot be reached`, () => {
            const queueArn = `arn:aws:sqs:${region}:111111111111:clean-room-${region}-intake-dead-letters`;
            const topicArn = `arn:aws:sns:${region}:111111111111:clean-room-${region}-intake`;
            const target = of("aws:cloudwatch/eventTarget:EventTarget", region).find(({ inputs }) => inputs.arn === topicArn)!;
            expect(target.inputs.deadLetterConfig).to.deep.equal({ arn: queueArn });
            const subscription = of("aws:sns/topicSubscription:TopicSubscription", region).find(
                ({ inputs }) => inputs.protocol === "lambda" && inputs.topic === topicArn,
            )!;
            expect(JSON.parse(subscription.inputs.redrivePolicy as string)).to.deep.equal({ deadLetterTargetArn: queueArn });
            // And the queue takes from both, and from nobody else.
            const [policy] = of("aws:sqs/queuePolicy:QueuePolicy", region);
            const { Statement } = JSON.parse(policy!.inputs.policy as string) as { Statement: object[] };
            expect(Statement).to.have.length(1);
            expect(Statement[0]).to.deep.include({
                Action: "sqs:SendMessage",
                Resource: queueArn,
                Condition: {
                    ArnEquals: { "aws:SourceArn": [`arn:aws:cloudwatch:${region}:111111111111:clean-room-${region}-intake`, topicArn] },
                },
            });
        });
    }

    it("is open to the members that forward, each in its own Regions", () => {
        expect(permissions(resources)).to.deep.equal(["eu-west-1 222222222222", "us-east-1 222222222222", "us-east-1 333333333333"]);
    });

    it("is open to the whole organisation, and no further, where its accounts forward", async () => {
        expect(permissions(await inForensics({ organization, coverage: { mode: "existing" } }))).to.deep.equal(
            regions.map((region) => `${region} * StringEquals aws:PrincipalOrgID o-a1b2c3d4e5`),
        );
    });

    it("needs no opening where a delegated administrator has the findings", async () => {
        expect(permissions(await inForensics({ organization }))).to.deep.equal([]);
    });
});
