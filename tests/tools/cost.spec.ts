import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { idleCost, incidentCost, incidentCosts, render, runsAMonth, type Prices } from "../../tools/cost/estimate";
import prices from "../../tools/cost/prices.json";
import { declare, type Declared } from "../../tools/program/declared";

const table: Prices = prices;
const virginia = table.regions["us-east-1"]!;
const declared = (type: string, inputs: Record<string, unknown>, region = "us-east-1"): Declared => ({
    type,
    name: type,
    custom: true,
    accountId: "111111111111",
    region,
    inputs,
    ignoreChanges: [],
    protect: false,
    retainOnDelete: false,
    customTimeouts: {},
    dependsOn: [],
});

describe("what a stack costs", () => {
    it("is the sum over what is billed while nothing happens, and over nothing else", () => {
        const [cost] = idleCost(
            [
                declared("aws:ec2/vpcEndpoint:VpcEndpoint", { vpcEndpointType: "Interface", subnetIds: ["a", "b"] }),
                declared("aws:ec2/vpcEndpoint:VpcEndpoint", { vpcEndpointType: "Gateway" }),
                declared("aws:kms/key:Key", {}),
                declared("aws:cloudwatch/metricAlarm:MetricAlarm", {}),
                declared("aws:cloudwatch/dashboard:Dashboard", {}),
                declared("aws:sns/topic:Topic", {}),
            ],
            table,
        );
        expect(cost!.dollars).to.be.closeTo(2 * 730 * 0.01 + 1 + 0.1 + 3, 1e-9);
        expect(cost!.estimated).to.equal(false);
        expect(idleCost([declared("aws:sns/topic:Topic", {})], table)).to.deep.equal([]);
    });

    it("takes the prices of us-east-1 for a Region that the table does not have, and says so", () => {
        const [cost] = idleCost([declared("aws:kms/key:Key", {}, "sa-east-1")], table);
        expect(cost).to.deep.include({ dollars: 1, estimated: true });
    });

    it("counts the runs of a rate, and refuses a schedule that it cannot count", () => {
        expect(runsAMonth("rate(5 minutes)")).to.equal(8760);
        expect(runsAMonth("rate(1 hour)")).to.equal(730);
        expect(() => runsAMonth("cron(0 3 * * ? *)")).to.throw(/teach tools\/cost/);
    });

    it("tells an incident of each Region by its own prices and type, and by which prices where the table has none of it", () => {
        const twice = { ...virginia, volumeGigabyteMonth: 2 * virginia.volumeGigabyteMonth };
        const two: Prices = { ...table, regions: { "us-east-1": virginia, "eu-west-1": twice } };
        const size = { gigabytes: 100, hours: 2, years: 1, endpointZones: 6 };
        const regions = ["eu-west-1", "us-east-1", "sa-east-1", "ap-south-1", "eu-south-2"];
        const costs = incidentCosts(size, regions, (region) => (region === "eu-south-2" ? "m7g.large" : "m6i.large"), two);
        expect(
            costs.map(({ regions: of, pricesOf, atMost, instanceType }) => [of.join(" "), pricesOf, atMost, instanceType]),
        ).to.deep.equal([
            ["eu-west-1", "eu-west-1", 1, "m6i.large"],
            ["us-east-1", "us-east-1", 1, "m6i.large"],
            ["sa-east-1 ap-south-1", "us-east-1", 1.5, "m6i.large"],
            ["eu-south-2", "us-east-1", 1.5, "m7g.large"],
        ]);
        const volumes = (at: number) => costs[at]!.once.find(({ what }) => /volumes/.test(what))!.dollars;
        expect(volumes(0)).to.be.closeTo(2 * volumes(1), 1e-9);
        const said = render(
            "prod",
            idleCost([declared("aws:kms/key:Key", {}), declared("aws:kms/key:Key", {}, "sa-east-1")], two),
            costs,
            two,
            true,
        );
        expect(said).to.match(/Accounts of the units are not among it/);
        expect(said).to.match(/One incident in eu-west-1 \(prices of eu-west-1\):/);
        expect(said).to.match(
            /One incident in sa-east-1, ap-south-1 \(prices of us-east-1, since the table has none of these Regions: at most 1\.5 times as much\)/,
        );
        expect(said)
            .to.match(/1 x: 111111111111 us-east-1\n/)
            .and.match(/1 x: 111111111111 sa-east-1 \(prices of us-east-1\)\n/);
    });

    it("refuses an instance type without a price", () => {
        const size = { gigabytes: 100, hours: 2, years: 1, endpointZones: 6 };
        expect(() => incidentCost({ ...size, instanceType: "x2.huge" }, virginia)).to.throw(/no price of x2\.huge/);
    });

    it("is what docs/estate.md and README.md say", async function () {
        this.timeout(120_000);
        const { resources, problems } = await declare({
            forensics: { accountId: "111111111111" },
            regions: ["us-east-1"],
            members: [{ accountId: "222222222222" }],
        });
        expect(problems).to.deep.equal([]);
        const room = idleCost(resources, table).find(({ accountId }) => accountId === "111111111111")!;
        const { once } = incidentCost({ gigabytes: 100, hours: 2, years: 1, endpointZones: 6, instanceType: "m6i.large" }, virginia);
        const docs = (name: string) => readFileSync(path.resolve(__dirname, "../..", name), "utf8");
        const estate = docs("docs/estate.md");
        for (const { arithmetic, dollars } of [...room.lines.slice(0, 2), ...once]) {
            expect(estate).to.include(arithmetic);
            expect(estate).to.include(`| ${dollars.toFixed(2)} |`);
        }
        expect(room.dollars).to.be.lessThan(5);
        const whole = room.dollars.toFixed(2);
        expect(estate).to.include(`**a Region** | | **${whole}**`);
        expect(docs("README.md")).to.include(`| ${whole} |`);
    });
});
