// 用户登录
const login = async (username, password) => {
    const response = await fetch('/api/auth/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username, password })
    });
    
    const data = await response.json();
    if (data.code === 200) {
        localStorage.setItem('token', data.data.token);
        return data.data.user;
    }
    throw new Error(data.message);
};

// 获取用户信息
const getUserInfo = async () => {
    const token = localStorage.getItem('token');
    const response = await fetch('/api/auth/me', {
        headers: { 'Authorization': `Bearer ${token}` }
    });
    
    const data = await response.json();
    return data.data.user;
};
