//! What the push service refuses, with its result codes (vendor page 2871134).

/// A result code of the push service that this sandbox gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultCode {
    NeedAppIdWorkspaceId,
    DeliveryTypeNotSupported,
    TaskNameNull,
    ExpiredSecondsWrong,
    TokenOrUserIdNull,
    TemplateNotExist,
    TemplateValuesNotEnough,
    NeedTemplate,
    InvalidParam,
    SinglePushTargetTooMuch,
    BroadcastOnlySupportByDevice,
    RequestShouldBeUtf8,
    ExtendParamTooMuch,
    TemplateNameInvalid,
    InvalidExtendParam,
    MultipleInnerExtendParamTooMuch,
}

impl ResultCode {
    /// Returns number and name as the vendor's table has them.
    pub(super) fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::NeedAppIdWorkspaceId => ("3003", "NEED_APPID_WORKSPACEID"),
            Self::DeliveryTypeNotSupported => ("3009", "DELIVERY_TYPE_NOT_SUPPORTED"),
            Self::TaskNameNull => ("3019", "TASKNAME_NULL"),
            Self::ExpiredSecondsWrong => ("3020", "EXPIREDSECONDS_WRONG"),
            Self::TokenOrUserIdNull => ("3021", "TOKEN_OR_USERID_NULL"),
            Self::TemplateNotExist => ("3022", "TEMPLATE_NOT_EXIST"),
            Self::TemplateValuesNotEnough => ("3023", "TEMPLATEKV_NOT_ENOUGH"),
            Self::NeedTemplate => ("3025", "NEED_TEMPLATE"),
            Self::InvalidParam => ("3028", "INVALID_PARAM"),
            Self::SinglePushTargetTooMuch => ("3029", "SINGLE_PUSH_TARGET_TOO_MUCH"),
            Self::BroadcastOnlySupportByDevice => ("3030", "BROADCAST_ONLY_SUPPORT_BY_DEVICE"),
            Self::RequestShouldBeUtf8 => ("3031", "REQUEST_SHOULD_BE_UTF8"),
            Self::ExtendParamTooMuch => ("3035", "EXTEND_PARAM_TO_MUCH"),
            Self::TemplateNameInvalid => ("3038", "TEMPLATE_NAME_INVALID"),
            Self::InvalidExtendParam => ("3044", "INVALID_EXTEND_PARAM"),
            Self::MultipleInnerExtendParamTooMuch => ("3049", "MULTIPLE_INNER_EXTEND_PARAM_TO_MUCH"),
        }
    }

    /// Refuses for a reason that the vendor would not give but a person wants.
    pub(super) fn because(self, why: impl Into<String>) -> Refusal {
        Refusal { code: self, why: why.into() }
    }
}

/// A request that reached the service and was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ResultCode,
    /// Goes into `PushResult.ResultMsg`.
    pub(super) why: String,
}
