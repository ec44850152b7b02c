import type { JsonObject } from '@credence/protocol';

/** A server asks for values that a tool needs (MCP, Elicitation, form mode). Every text in it is the server's. */
export interface ElicitationRequest {
  /** The configured name of the server. */
  readonly server: string;
  /** What the server asks, without control and invisible characters, at most 8,000 UTF-16 code units. */
  readonly message: string;
  /**
   * The JSON Schema of the values: an object with properties that are strings, numbers, booleans or lists of strings. Without control and
   * invisible characters.
   */
  readonly requestedSchema: JsonObject;
  /** Aborts when an answer is no longer of use: the server or the caller cancelled, the time is up, or the connection ended. */
  readonly signal: AbortSignal;
}

/** The answer to an {@link ElicitationRequest}. */
export type ElicitationAnswer =
  /** The values. They must match `requestedSchema`. */
  | {
      readonly action: 'accept';
      readonly content: Readonly<Record<string, string | number | boolean | readonly string[]>>;
    }
  /** `decline`: the values are refused. `cancel`: nobody decided. */
  | { readonly action: 'decline' | 'cancel' };

/** Answers the elicitations of servers. */
export type OnElicitation = (request: ElicitationRequest) => ElicitationAnswer | Promise<ElicitationAnswer>;

/** A part of a message of a {@link SamplingRequest}. */
export type SamplingContent =
  | { readonly type: 'text'; readonly text: string }
  /** `data` is base64. */
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string };

/** A server asks for a message of a model (MCP, Sampling). Every text in it is the server's, as it sent it. */
export interface SamplingRequest {
  /** The configured name of the server. */
  readonly server: string;
  /** The conversation, in order. */
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: readonly SamplingContent[] }[];
  /** The system prompt that the server wants. */
  readonly systemPrompt: string | undefined;
  /** The maximum number of tokens of the answer. */
  readonly maxTokens: number;
  /** The temperature that the server wants. */
  readonly temperature: number | undefined;
  /** The texts at which the server wants the model to stop. */
  readonly stopSequences: readonly string[];
  /** The models that the server prefers, most preferred first. They are advice. */
  readonly preferredModels: readonly string[];
  /** Aborts when an answer is no longer of use. */
  readonly signal: AbortSignal;
}

/** The answer to a {@link SamplingRequest}. */
export interface SamplingAnswer {
  /** The message of the model. A string is a text. */
  readonly content: string | SamplingContent;
  /** The name of the model. */
  readonly model: string;
  /** Why the model stopped, such as `endTurn` or `maxTokens`. */
  readonly stopReason?: string;
}

/** Answers the sampling requests of servers. */
export type OnSampling = (request: SamplingRequest) => SamplingAnswer | Promise<SamplingAnswer>;
