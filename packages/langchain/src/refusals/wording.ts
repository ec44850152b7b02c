import type { Contact, CredenceErrorJson } from '@credence/core';

const WHO: Readonly<Record<Contact, string>> = {
  you: 'the operator of this agent',
  'idp-admin': "the identity provider's administrator",
  'server-owner': 'the owner of the server',
};

/**
 * The text of a refusal for the model: what happened, what to do and who can help. The wording contains no text of a
 * server or an IdP.
 */
export function refusalWords({
  message,
  remedy,
  contact,
}: Pick<CredenceErrorJson, 'message' | 'remedy' | 'contact'>): string {
  return `${message} ${remedy} (Who can help: ${WHO[contact]}.)`;
}

/** The text of a refusal of which the model has the full text already. */
export function repeatedWords({ code }: Pick<CredenceErrorJson, 'code'>): string {
  return `Refused for the same reason as before (${code}). Do not try this again in this run: continue without it, and say who can help.`;
}
