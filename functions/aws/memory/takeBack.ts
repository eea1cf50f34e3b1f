/** What a member account was given for the time of an acquisition is taken back, also where the function that gave it died. */
import { snapshotArn } from "../ec2Permissions";
import { environment } from "../environment";
import { errorCode, isTransient } from "../errors";
import type { Permissions } from "../permissions";
import type { Victim } from "../victim";
import { takeDocumentBack } from "./acquisitionCommand";
import { takeImageBack } from "./acquisitionVolume";
import { acquisitionImage } from "./permissions";

/** Only to take back: whoever adds an account needs another grant. Systems Manager has no such condition for a document. */
export const takeAcquisitionBackPermissions: Permissions = (names) =>
    names.memory
        ? [
              {
                  Sid: "TakeAcquisitionImageBack",
                  Effect: "Allow",
                  Action: ["ec2:ModifySnapshotAttribute"],
                  Resource: [snapshotArn(names)],
                  Condition: { ...acquisitionImage, Null: { "ec2:Add/userId": "true", "ec2:Add/group": "true" } },
              },
              {
                  Sid: "TakeAcquisitionDocumentBack",
                  Effect: "Allow",
                  Action: ["ssm:ModifyDocumentPermission"],
                  Resource: [names.acquisitionDocumentArn],
              },
          ]
        : [];

/**
 * Taking back what was taken back already is as good. Another incident of the account that acquires just now shares both anew.
 *
 * @returns what is still shared, as sentences
 * @throws what AWS was too busy for
 */
export async function takeAcquisitionBack(victim: Victim): Promise<string[]> {
    const images = Object.values(environment("ACQUISITION_IMAGES")).map(({ snapshotId }) => snapshotId);
    if (images.length === 0) return [];
    const shared: [string, () => Promise<void>][] = [
        ...images.map((id): [string, () => Promise<void>] => [`The acquisition image ${id}`, () => takeImageBack(id, victim)]),
        ["The document that acquires memory", () => takeDocumentBack(victim)],
    ];
    const left: string[] = [];
    for (const [what, takeBack] of shared)
        try {
            await takeBack();
        } catch (error) {
            if (isTransient(error)) throw error;
            left.push(
                `${what} stays shared with ${victim.ref.accountId}: ${errorCode(error)}. It holds no evidence; take it back by hand.`,
            );
        }
    return left;
}
