//! The rows of the suite, by name, and how they become tests.

/// Makes a test of each row, in a module of the rows' own.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_rows {
    ($fresh:ident, $module:ident: $($row:ident),* $(,)?) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $row() {
                    $crate::contract::$module::$row(super::$fresh().await).await;
                }
            )*
        }
    };
}

/// Holds `AccountRepository`, `SessionRepository`, `LockoutRepository` and `AuditRepository` to their
/// contracts. Takes the
/// name of an `async fn() -> Store` that makes an empty one.
#[macro_export]
macro_rules! contract_tests {
    ($fresh:ident) => {
        $crate::contract_rows!($fresh, accounts:
            a_new_account_reads_back_as_written,
            what_was_not_given_is_not_there,
            i4_names_are_unique_in_canonical_form,
            addresses_are_unique_in_canonical_form,
            a_taken_name_comes_before_a_taken_address,
            x1_of_many_that_want_one_name_one_gets_it,
            ids_ascend_from_one,
            credentials_are_found_by_name_address_and_id,
            what_is_not_there_is_none,
        );
        $crate::contract_rows!($fresh, listing:
            an_empty_store_lists_nobody,
            pages_come_by_ascending_id,
            a_role_filters_page_and_total,
            past_the_end_is_an_empty_page,
            a_page_goes_on_after_an_id,
            inactive_accounts_are_listed,
            page_and_total_are_of_one_moment,
        );
        $crate::contract_rows!($fresh, profiles:
            fields_are_kept_cleared_or_set,
            no_changes_change_only_the_time,
            an_address_can_be_changed,
            the_case_of_ones_own_address_can_be_changed,
            a_taken_address_changes_nothing,
            of_many_that_want_one_address_one_gets_it,
            only_active_accounts_are_changed,
        );
        $crate::contract_rows!($fresh, credentials:
            t18_a_new_password_ends_the_other_sessions,
            an_ended_session_is_not_revived,
            a_stale_change_changes_nothing,
            of_many_changes_in_one_epoch_one_is_done,
            x3_no_log_in_with_the_old_password_survives_its_change,
            rehashing_changes_only_the_hash,
            a_stale_rehash_is_ignored,
        );
        $crate::contract_rows!($fresh, standing:
            deactivating_ends_all_sessions,
            deactivating_twice_is_deactivating_once,
            activating_is_idempotent,
            a_log_in_begun_before_a_deactivation_fails_after_the_activation,
            z6_the_last_active_admin_stays,
            others_can_be_deactivated_without_any_admin,
            z6_of_two_admins_who_deactivate_each_other_one_stays,
            x3_no_log_in_survives_a_deactivation,
        );
        $crate::contract_rows!($fresh, sessions:
            a_session_reads_back_as_written,
            a_user_agent_may_be_missing,
            a_stale_log_in_changes_nothing,
            a_session_dies_when_it_expires,
            a_session_ends_once,
            of_many_look_ups_at_once_each_finds_its_own,
            x3_no_look_up_finds_what_has_ended,
            only_what_is_over_is_deleted,
            many_finished_sessions_are_deleted,
        );
        $crate::contract_rows!($fresh, rotation:
            the_current_token_gives_the_next,
            t14_a_predecessor_within_the_grace_is_taken_again,
            the_grace_ends,
            the_grace_lasts_until_its_end,
            without_a_grace_every_second_use_is_a_replay,
            t15_two_generations_old_is_a_replay,
            t13_a_predecessor_is_a_replay_once_the_successor_was_used,
            a_void_successor_is_a_replay,
            an_unknown_generation_is_a_replay,
            a_token_of_another_user_is_gone,
            t17_what_is_over_is_gone,
            of_many_sessions_at_once_each_is_its_own,
            x2_of_many_at_once_one_branch_lives,
            x2_without_a_grace_nothing_lives,
            x3_no_refresh_survives_the_log_out,
            x3_no_refresh_survives_a_deactivation,
            rotations_follow_the_rule,
        );
        $crate::contract_rows!($fresh, throttle:
            r2_exactly_the_limit_is_admitted,
            r2_the_limit_over_all_networks_is_exact_too,
            refused_attempts_are_not_counted,
            the_count_starts_anew_after_a_gap,
            the_longer_wait_is_told,
            subjects_and_networks_count_for_themselves,
            success_resets_its_network_and_the_account,
            release_takes_one_back,
            activating_forgets_the_failures,
            stale_counts_are_deleted,
            a_limit_of_none_admits_nothing,
            a_clock_that_lags_does_not_unlock,
            counts_are_shown,
            of_many_networks_the_latest_are_shown,
            forgetting_is_of_one_account_and_all_networks,
        );
        $crate::contract_rows!($fresh, trail:
            s3_registering_is_recorded_once,
            s3_logging_in_is_recorded_once,
            s3_refreshing_is_recorded_if_asked_for,
            s3_a_replay_is_recorded_with_the_end_of_its_session,
            s3_logging_out_is_recorded_once,
            s3_changing_a_password_is_recorded_once,
            s3_changing_a_profile_is_recorded_once,
            s3_standing_is_recorded_when_it_changes,
            s3_lifting_a_lock_is_recorded_once,
            s3_of_many_at_once_each_that_did_something_is_recorded,
        );
        $crate::contract_rows!($fresh, audit:
            a_record_reads_back_as_written,
            what_is_not_known_is_not_there,
            pages_come_newest_first_and_oldest_first,
            events_of_one_moment_are_each_listed_once,
            filters_hold_together,
            a_users_records_are_theirs_and_of_what_was_done_to_them,
            spans_begin_and_end_where_they_say,
            a_page_goes_on_though_its_end_is_deleted,
            many_events_are_appended_at_once,
            only_old_records_are_deleted,
        );
    };
}

/// Holds a `Cache` to its contract. Takes the name of an `async fn() -> CacheUnderTest`.
#[macro_export]
macro_rules! cache_contract_tests {
    ($fresh:ident) => {
        $crate::contract_rows!($fresh, cache:
            what_was_put_is_there,
            a_second_value_replaces_the_first,
            what_is_deleted_is_gone,
            values_expire,
            a_long_time_to_live_is_possible,
            namespaces_do_not_meet,
            many_use_it_at_once,
            it_is_healthy,
        );
    };
}

/// Holds a `RateLimiter` to its contract. Takes the name of an `async fn() -> Arc<dyn RateLimiter>`.
#[macro_export]
macro_rules! rate_limit_contract_tests {
    ($fresh:ident) => {
        $crate::contract_rows!($fresh, rates:
            no_more_than_the_limit_is_admitted,
            no_window_holds_more_than_the_limit,
            what_was_taken_back_leaves_no_trace,
            keys_count_for_themselves,
            release_takes_one_back,
            a_limit_of_none_admits_nothing,
            a_clock_that_lags_does_not_unlock,
        );
    };
}
