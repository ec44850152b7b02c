import { CredenceError } from '@credence/core';

/** The options of a preset are invalid. Neither text contains a value of the options. */
export function invalid(message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_configuration', leg: 'configure', message, remedy, contact: 'you' });
}

/**
 * The IdP documents no ID-JAG for a principal without a user. `instead` says what its documentation describes for such a principal, in
 * one sentence.
 */
export function noIdJag(vendor: string, instead: string): CredenceError {
  return invalid(
    `${vendor} documents no ID-JAG for a principal without a user.`,
    `${instead} There is then no policy of the IdP for each server: the authorization server alone decides.`,
  );
}
