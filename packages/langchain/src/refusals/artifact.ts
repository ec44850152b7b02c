import type { CredenceError, CredenceErrorJson } from '@credence/core';
import { ToolMessage } from '@langchain/core/messages';
import { refusalWords } from './wording.ts';

/** The artifact of a tool message that stands for a refused call: for the application, never for the model. */
export interface RefusalArtifact {
  /** Tells this artifact from any other. */
  readonly type: 'credence-refusal';
  /** `CredenceError.toJSON()`. */
  readonly error: CredenceErrorJson;
}

/** The artifact of a tool message that stands for a call `accessMiddleware` did not let through. */
export interface DenialArtifact {
  /** Tells this artifact from any other. */
  readonly type: 'credence-denial';
  /** Which rule said no. */
  readonly rule: 'hide' | 'approve';
  /** The sentence that the rule gave, where it gave one. */
  readonly reason?: string;
}

/** The refusal a message stands for, if it stands for one. */
export function refusalOf(message: unknown): RefusalArtifact | undefined {
  const artifact: unknown = ToolMessage.isInstance(message) ? message.artifact : undefined;
  return isRefusalArtifact(artifact) ? artifact : undefined;
}

export function isRefusalArtifact(value: unknown): value is RefusalArtifact {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'credence-refusal' &&
    'error' in value &&
    typeof value.error === 'object' &&
    value.error !== null
  );
}

/** The answer to a tool call that was refused. */
export function refusalMessage(call: { id: string; name: string }, error: CredenceError): ToolMessage {
  const artifact: RefusalArtifact = { type: 'credence-refusal', error: error.toJSON() };
  return errorMessage(call, refusalWords(error), artifact);
}

export function errorMessage(call: { id: string; name: string }, content: string, artifact?: unknown): ToolMessage {
  return new ToolMessage({ content, name: call.name, tool_call_id: call.id, status: 'error', artifact });
}
