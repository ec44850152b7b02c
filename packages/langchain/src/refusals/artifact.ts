import type { CredenceError, CredenceErrorJson } from '@credence/core';
import { ToolMessage } from '@langchain/core/messages';
import { refusalWords } from './wording.ts';

/** The artifact of the tool message of a refused call. The artifact is for the application; the model does not get it. */
export interface RefusalArtifact {
  /** Identifies this kind of artifact. */
  readonly type: 'credence-refusal';
  /** `CredenceError.toJSON()`. */
  readonly error: CredenceErrorJson;
}

/** The artifact of the tool message of a call that `accessMiddleware` denied. */
export interface DenialArtifact {
  /** Identifies this kind of artifact. */
  readonly type: 'credence-denial';
  /** The rule that denied the call: an option. `tools`: the tool is not one of this run. */
  readonly rule: 'hide' | 'hideUnusable' | 'tools' | 'approve';
  /** The reason that the rule `approve` returned, if it returned one. */
  readonly reason?: string;
}

/** The refusal in a tool message. Undefined for any other message. */
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

/** The tool message for a refused call. */
export function refusalMessage(call: { id: string; name: string }, error: CredenceError): ToolMessage {
  return errorMessage(call, refusalWords(error), refusalArtifact(error));
}

export function refusalArtifact(error: CredenceError): RefusalArtifact {
  return { type: 'credence-refusal', error: error.toJSON() };
}

export function errorMessage(call: { id: string; name: string }, content: string, artifact?: unknown): ToolMessage {
  return new ToolMessage({ content, name: call.name, tool_call_id: call.id, status: 'error', artifact });
}
