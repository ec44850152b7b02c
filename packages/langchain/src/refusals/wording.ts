import type { Contact, CredenceError } from '@credence/core';

const WHO: Readonly<Record<Contact, string>> = {
  you: 'the operator of this agent',
  'idp-admin': "the identity provider's administrator",
  'server-owner': 'the owner of the server',
};

/**
 * The text of a refusal for the model: what happened, what to do and who can help. The wording contains no text of a
 * server or an IdP.
 */
export function refusalWords(error: CredenceError): string {
  return `${error.message} ${error.remedy} (Who can help: ${WHO[error.contact]}.)`;
}
