/** Every channel by which people are told. */
import type { Channel } from "./channel";
import { notificationTopic } from "./notificationTopic";
import { slack } from "./slack";

export const channels: readonly Channel[] = [slack, notificationTopic];
