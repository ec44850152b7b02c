import type { ToolMessage } from 'langchain';
import { type DenialArtifact, errorMessage } from '../refusals/artifact.ts';

/** The tool message for a call that a rule denied. */
export function denied(call: { id: string; name: string }, denial: Omit<DenialArtifact, 'type'>): ToolMessage {
  return errorMessage(call, words(call, denial), { type: 'credence-denial', ...denial } satisfies DenialArtifact);
}

function words({ name }: { name: string }, { rule, reason }: Omit<DenialArtifact, 'type'>): string {
  switch (rule) {
    case 'hide':
    case 'tools':
      return `The tool ${name} is not available to this agent. Continue without it.`;
    case 'hideUnusable':
      return `The tool ${name} needs a scope that this agent does not have. Continue without it. (Who can help: the operator of this agent.)`;
    case 'approve':
      return `This call of ${name} was not approved${reason === undefined ? '.' : `: ${reason}`}`;
  }
}
