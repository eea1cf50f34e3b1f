/** The program: configuration in, a clean room in every Region and a footprint in every member account out. */
import { Accounts } from "./infra/accounts";
import { acquisitionImages } from "./infra/acquisition";
import { analysisArchive } from "./infra/analysisArchive";
import { partitionOf } from "./infra/awsRegions";
import { CleanRoom } from "./infra/cleanRoom";
import { readConfiguration } from "./infra/config";
import type { Member } from "./infra/configMembers";
import { regionsOf } from "./infra/estate";
import { GuardDutyCoverage } from "./infra/guardDutyCoverage";
import { ImagePipeline } from "./infra/imagePipeline";
import { MemberAccount } from "./infra/memberAccount";
import { MemberStackSet } from "./infra/memberStackSet";
import { DrillRange } from "./infra/drillRange";
import { placeOfRoles, placingRoles } from "./infra/placeOfRoles";
import { inAccountAndRegion } from "./infra/regional";

const { settings, slackWebhookUrl } = readConfiguration();
const partition = partitionOf(settings.homeRegion);
const accounts = new Accounts("accounts", { settings });
const archive = analysisArchive(settings);
const acquisition = settings.memory.mode === "off" ? undefined : acquisitionImages(settings);

/** Path and boundary of the roles of an account. */
function rolesOf(accountId: string) {
    return placingRoles(placeOfRoles(settings, partition, accountId));
}

const rooms = settings.regions.map(
    (region) =>
        new CleanRoom(
            `clean-room-${region}`,
            { settings, slackWebhookUrl, partition, region, archive, acquisition, lookingHere: accounts.lookingIn(region) },
            inAccountAndRegion(accounts.forensics, region, rolesOf(settings.forensics.accountId)),
        ),
);
const evidenceKeyArns = rooms.map((room) => room.evidenceKeyArn);

const members = settings.members.map(
    (member) =>
        new MemberAccount(
            `member-${member.accountId}`,
            {
                settings,
                member,
                partition,
                provider: accounts.member(member.accountId),
                evidenceKeyArns,
            },
            { transformations: [rolesOf(member.accountId)] },
        ),
);
if (settings.organization) {
    new MemberStackSet(
        "members",
        { settings, organization: settings.organization, partition, evidenceKeyArns },
        inAccountAndRegion(accounts.forensics, settings.homeRegion),
    );
}
new GuardDutyCoverage("coverage", { settings, accounts });
if (settings.imagePipeline.enabled)
    new ImagePipeline(
        "forensic-image",
        { settings, partition, region: settings.homeRegion },
        inAccountAndRegion(accounts.forensics, settings.homeRegion, rolesOf(settings.forensics.accountId)),
    );
const range = settings.range.enabled ? drillRange(settings.members[0]!) : null;

/** The sacrificial instance, in the first Region of the first member. */
function drillRange(member: Member): DrillRange {
    const region = regionsOf(settings, member)[0]!;
    return new DrillRange(
        "drill-range",
        { settings, accountId: member.accountId, region },
        inAccountAndRegion(accounts.member(member.accountId), region, rolesOf(member.accountId)),
    );
}

/** By Region: where messages go in, where evidence lies, what runs. */
export const cleanRooms = Object.fromEntries(rooms.map((room) => [room.region, room.summary]));
/** By listed account: the role that the functions assume. */
export const responderRoles = Object.fromEntries(
    members.map((member, index) => [settings.members[index]!.accountId, member.responder.arn]),
);
/** What `npm run drill` aims at; null without a range. */
export const drillTarget = range?.target ?? null;
